package vidfold.model;

/**
 * How a model is loaded.
 *
 * @param weights how the decoder's linear layers are kept
 * @param kvBytes memory that KV may take in all, for which room is left where layers are shared out
 *     over several devices
 */
public record LoadOptions(WeightFormat weights, long kvBytes) {
  public LoadOptions {
    if (kvBytes < 0) {
      throw new IllegalArgumentException("KV bytes must not be negative but were " + kvBytes);
    }
  }

  /** Weights as they are stored, and no room for KV: for one device. */
  public static LoadOptions stored() {
    return new LoadOptions(WeightFormat.STORED, 0);
  }
}
