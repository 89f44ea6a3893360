package vidfold.model;

import org.jspecify.annotations.Nullable;

/** One sequence's own KV and sampler state on top of a {@link KvPrefix}; closing frees it. */
public interface Decoding extends AutoCloseable {

  /** Tokens of its own that this sequence holds. */
  int length();

  /** The most it may hold. */
  int capacity();

  /** Bytes of native memory. */
  long bytes();

  /** What a per-question reducer lets this sequence see of the video, or null without one. */
  @Nullable VisibleTokens visible();

  /** Replaces the sampling parameters (and restarts the random stream) for a further turn. */
  void restart(SamplingParams params);

  @Override
  void close();
}
