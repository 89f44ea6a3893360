package vidfold.model;

import java.util.List;
import vidfold.merging.MergeSpec;
import vidfold.torch.Tensor;

/**
 * The query-agnostic KV of one video: what every question on it attends to. Immutable; shared by
 * all sequences on the video; closing it frees its native memory.
 *
 * <p>Open to extension only for models without native memory, which count what is closed.
 */
public class KvPrefix implements AutoCloseable {

  /**
   * Facts about a prefix.
   *
   * @param tokensBefore visual tokens N = T*H*W
   * @param tokensAfter survivors M
   * @param promptTokens length of the prefix in the layers at and above the merge layer
   * @param achievedRetention M / N
   * @param thresholds the thresholds that merging used, or null
   * @param mergeMillis time in the reducer
   * @param prefillMillis time in the decoder
   */
  public record Summary(
      int tokensBefore,
      int tokensAfter,
      int promptTokens,
      double achievedRetention,
      MergeSpec.@org.jspecify.annotations.Nullable Thresholds thresholds,
      double mergeMillis,
      double prefillMillis) {}

  private final Summary summary;
  private final List<Tensor> tensors;
  private final Object state;
  private final long bytes;

  /**
   * Creates a prefix that owns its tensors.
   *
   * @param summary facts for receipts
   * @param tensors native memory to free with the prefix; may be empty
   * @param bytes their size
   * @param state what the model needs to attend to it
   */
  public KvPrefix(Summary summary, List<Tensor> tensors, long bytes, Object state) {
    this.summary = summary;
    this.tensors = List.copyOf(tensors);
    this.bytes = bytes;
    this.state = state;
  }

  public Summary summary() {
    return summary;
  }

  /** Bytes of native memory. */
  public long bytes() {
    return bytes;
  }

  /** The model's own view of this prefix. */
  Object state() {
    return state;
  }

  @Override
  public void close() {
    tensors.forEach(Tensor::close);
  }
}
