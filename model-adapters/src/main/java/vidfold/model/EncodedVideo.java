package vidfold.model;

import java.util.List;
import vidfold.torch.Tensor;

/**
 * The visual tokens of one video before any merging: what the vision tower made of its frames.
 * Immutable; the prefixes of several variants may be built from it; closing it frees its native
 * memory.
 *
 * <p>Open to extension only for models without native memory, which count what is closed.
 */
public class EncodedVideo implements AutoCloseable {
  private final double visionMillis;
  private final List<Tensor> tensors;
  private final long bytes;
  private final Object state;

  /**
   * Creates an encoded video that owns its tensors.
   *
   * @param visionMillis time in the vision tower
   * @param tensors native memory to free with it; may be empty
   * @param bytes their size
   * @param state what the model needs to build a prefix from it
   */
  public EncodedVideo(double visionMillis, List<Tensor> tensors, long bytes, Object state) {
    this.visionMillis = visionMillis;
    this.tensors = List.copyOf(tensors);
    this.bytes = bytes;
    this.state = state;
  }

  /** Time in the vision tower. */
  public double visionMillis() {
    return visionMillis;
  }

  /** Bytes of native memory. */
  public long bytes() {
    return bytes;
  }

  /** The model's own view of it. */
  Object state() {
    return state;
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
  }
}
