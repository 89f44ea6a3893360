package vidfold.server.engine;

import java.time.Duration;

/**
 * Limits of the engine.
 *
 * @param queueLimit the most questions and preparations that wait, frames being read included
 * @param maxRunning the most questions that are prefilled and decoded at a time
 * @param maxBuilds the most videos whose frames are read or encoded at a time
 * @param prefixCacheBytes native memory of cached prefixes; one that is larger is used once
 * @param visualCacheBytes native memory of visual tokens kept for further variants of a video
 * @param conversationBytes native memory of conversations kept between turns
 * @param decodingBytes native memory of the questions that run
 * @param conversationHeadroom tokens that a session's question may grow by in later turns before
 *     its conversation has to be rebuilt
 * @param drainGrace how long {@link Engine#close} lets accepted work finish
 */
public record EngineConfig(
    int queueLimit,
    int maxRunning,
    int maxBuilds,
    long prefixCacheBytes,
    long visualCacheBytes,
    long conversationBytes,
    long decodingBytes,
    int conversationHeadroom,
    Duration drainGrace) {
  private static final long GIB = 1L << 30;

  public EngineConfig {
    require(queueLimit >= 1, "the queue limit must be at least 1", queueLimit);
    require(maxRunning >= 1, "the most running questions must be at least 1", maxRunning);
    require(maxBuilds >= 1, "the most prefix builds must be at least 1", maxBuilds);
    require(prefixCacheBytes >= 0, "prefix cache bytes must not be negative", prefixCacheBytes);
    require(visualCacheBytes >= 0, "visual cache bytes must not be negative", visualCacheBytes);
    require(conversationBytes >= 0, "conversation bytes must not be negative", conversationBytes);
    require(decodingBytes >= 1, "decoding bytes must be positive", decodingBytes);
    require(
        conversationHeadroom >= 0,
        "conversation headroom must not be negative",
        conversationHeadroom);
    require(!drainGrace.isNegative(), "the drain grace must not be negative", drainGrace);
  }

  /** Limits for a small machine: 2 GiB of prefixes, 8 questions at a time. */
  public static EngineConfig defaults() {
    return new EngineConfig(64, 8, 3, 2 * GIB, GIB / 2, GIB / 2, GIB, 1024, Duration.ofSeconds(30));
  }

  /**
   * The same with most of a device's free memory for prefixes: what is left when visual tokens,
   * conversations, running questions and an eighth for intermediate results are taken off.
   *
   * @param free bytes, with the model loaded
   */
  public EngineConfig onDeviceWith(long free) {
    long kept = visualCacheBytes + conversationBytes + decodingBytes;
    long prefixes = Math.max(0, free - free / 8 - kept);
    return new EngineConfig(
        queueLimit,
        maxRunning,
        maxBuilds,
        prefixes,
        visualCacheBytes,
        conversationBytes,
        decodingBytes,
        conversationHeadroom,
        drainGrace);
  }

  private static void require(boolean condition, String message, Object found) {
    if (!condition) {
      throw new IllegalArgumentException(message + " but was " + found);
    }
  }
}
