package vidfold.server.engine;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import vidfold.model.SamplingRule;
import vidfold.model.VideoFrames;

/** Gives the engine the frames of a stored video: probe, sample, decode, resize. Never blocks. */
public interface FrameSource {

  /**
   * Starts to read frames on the video pool. Cancelling the future kills the child process. It
   * completes exceptionally with {@code VideoException} or {@code NoSuchVideoException}.
   */
  CompletableFuture<Clip> read(String tenant, String videoId, SamplingRule rule);

  /** The SHA-256 of the stored bytes, hex, for cache keys. */
  String sha256(String tenant, String videoId);

  /** Frames with what it took to get them. */
  record Clip(VideoFrames frames, double probeMillis, double decodeMillis, List<String> warnings) {}
}
