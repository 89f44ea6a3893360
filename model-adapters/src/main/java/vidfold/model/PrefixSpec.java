package vidfold.model;

import vidfold.merging.MergeSpec;

/**
 * How a KV prefix is built.
 *
 * @param merge the reducer and its retention
 * @param mergeLayer decoder layer before which the visual tokens are merged; 0 is before prefill
 */
public record PrefixSpec(MergeSpec merge, int mergeLayer) {
  public PrefixSpec {
    if (mergeLayer < 0) {
      throw new IllegalArgumentException("merge layer must not be negative but was " + mergeLayer);
    }
  }
}
