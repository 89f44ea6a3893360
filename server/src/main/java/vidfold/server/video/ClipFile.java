package vidfold.server.video;

import java.nio.file.Path;
import vidfold.model.SamplingRule;
import vidfold.server.engine.FrameSource.Clip;
import vidfold.video.Cancellation;
import vidfold.video.VideoInfo;

/** Reads the frames of one file on the caller's thread, for commands that run without a store. */
public final class ClipFile {

  private final FrameReader reader;

  /**
   * Reads with these parts.
   *
   * @param maxFrameBytes the most memory that sampled frames may take
   */
  public ClipFile(VideoIo io, long maxFrameBytes) {
    this.reader = new FrameReader(io, maxFrameBytes);
  }

  /**
   * Probes, samples, decodes and resizes.
   *
   * @throws vidfold.video.VideoException when the file is no readable video
   */
  public Clip read(Path file, SamplingRule rule, Cancellation cancellation) {
    long start = System.nanoTime();
    VideoInfo info = reader.probe(file, cancellation);
    FrameReader.Probed probed = new FrameReader.Probed(info, FrameReader.millisSince(start));
    return reader.read(file, probed, rule, cancellation);
  }
}
