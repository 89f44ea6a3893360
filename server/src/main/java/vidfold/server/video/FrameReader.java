package vidfold.server.video;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import vidfold.model.FrameSize;
import vidfold.model.SamplingRule;
import vidfold.model.VideoFrames;
import vidfold.server.engine.FrameSource.Clip;
import vidfold.video.BicubicResize;
import vidfold.video.Cancellation;
import vidfold.video.DecodeRequest;
import vidfold.video.DecodedVideo;
import vidfold.video.FrameRule;
import vidfold.video.FrameSampler;
import vidfold.video.SampledFrames;
import vidfold.video.VideoInfo;

/**
 * Reads the frames that a rule asks for from a file: sample, decode in a child process, resize.
 *
 * <p>Each frame is resized as it arrives, so one frame of the video's own size is in memory at a
 * time. Blocks until the last frame; meant for the video pool. Thread-safe.
 */
final class FrameReader {
  private final VideoIo io;
  private final long maxFrameBytes;

  FrameReader(VideoIo io, long maxFrameBytes) {
    this.io = io;
    this.maxFrameBytes = maxFrameBytes;
  }

  VideoInfo probe(Path file, Cancellation cancellation) {
    return io.probe().probe(file, cancellation);
  }

  /** What was read, {@code probeMillis} as given. */
  Clip read(Path file, Probed probed, SamplingRule rule, Cancellation cancellation) {
    VideoInfo info = probed.info();
    SampledFrames sampled =
        info.isPictures()
            ? FrameSampler.all(info.times(), frameRule(rule))
            : FrameSampler.sample(info.times(), frameRule(rule));
    FrameSize size = sizeOf(sampled.count(), info);
    requireMemory(sampled, size);
    long start = System.nanoTime();
    FrameResizer frames = new FrameResizer(info, sampled, size);
    DecodedVideo decoded =
        io.decoder()
            .decode(
                new DecodeRequest(file, info, sampled, vidfold.video.FrameSize.of(info)),
                frames::accept,
                cancellation);
    double decodeMillis = millisSince(start);
    List<String> warnings = new ArrayList<>(info.warnings());
    warnings.addAll(decoded.warnings());
    return new Clip(
        new VideoFrames(
            frames.rgb, size.width(), size.height(), decoded.seconds(), info.durationSeconds()),
        probed.millis(),
        decodeMillis,
        List.copyOf(warnings));
  }

  /** A probe and how long it took now; 0 when it was known. */
  record Probed(VideoInfo info, double millis) {}

  static double millisSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e6;
  }

  /**
   * Pairs of frames need an even cap: one below an odd one. A single frame, if no more may be used,
   * is paired with itself by the model.
   */
  static FrameRule frameRule(SamplingRule rule) {
    boolean pairs = rule.evenCount() && rule.maxFrames() > 1;
    int max = pairs ? rule.maxFrames() / 2 * 2 : rule.maxFrames();
    return new FrameRule(rule.fps(), max, Math.min(rule.minFrames(), max), pairs);
  }

  private FrameSize sizeOf(int frames, VideoInfo info) {
    try {
      return io.sizing().of(frames, info.width(), info.height());
    } catch (IllegalArgumentException e) {
      throw new StoreException(
          StoreException.Kind.UNSUPPORTED_SHAPE,
          "The model takes no video of %d x %d pixels: %s."
              .formatted(info.width(), info.height(), e.getMessage()));
    }
  }

  private void requireMemory(SampledFrames sampled, FrameSize size) {
    long distinct = Arrays.stream(sampled.indices()).distinct().count();
    long bytes = distinct * size.width() * size.height() * 3;
    if (bytes > maxFrameBytes) {
      throw new StoreException(
          StoreException.Kind.TOO_LARGE,
          "%d frames of %d x %d pixels take %d bytes of memory; at most %d are allowed. Ask for fewer frames."
              .formatted(distinct, size.width(), size.height(), bytes, maxFrameBytes));
    }
  }

  /** Resizes frames in the order in which they leave the decoder; a repeated frame is shared. */
  private static final class FrameResizer {
    private final SampledFrames sampled;
    private final BicubicResize resize;
    private final int bytes;
    private final List<ByteBuffer> rgb = new ArrayList<>();

    FrameResizer(VideoInfo info, SampledFrames sampled, FrameSize size) {
      this.sampled = sampled;
      this.resize = new BicubicResize(info.width(), info.height(), size.width(), size.height());
      this.bytes = size.width() * size.height() * 3;
    }

    void accept(int position, double seconds, ByteBuffer frame) {
      if (position > 0 && sampled.index(position) == sampled.index(position - 1)) {
        rgb.add(rgb.get(position - 1).duplicate());
        return;
      }
      ByteBuffer out = ByteBuffer.allocateDirect(bytes);
      resize.resize(frame, out);
      rgb.add(out);
    }
  }
}
