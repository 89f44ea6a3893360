package vidfold.video;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Writes a clip of a moving test pattern, for self-tests and benchmarks on machines without a
 * video.
 */
public final class SyntheticClip {

  private static final Duration LIMIT = Duration.ofMinutes(5);

  private SyntheticClip() {}

  /**
   * Shape of a clip.
   *
   * @param seconds its length
   * @param fps frames a second
   */
  public record Shape(int width, int height, int seconds, int fps) {
    public Shape {
      if (width < 16 || height < 16 || seconds < 1 || fps < 1) {
        throw new IllegalArgumentException(
            "a clip must be at least 16x16, 1 s and 1 frame a second but was "
                + "%dx%d, %d s, %d".formatted(width, height, seconds, fps));
      }
    }
  }

  /** Writes an H.264 mp4 file, replacing what is there. */
  public static void write(FfmpegProgram program, Shape shape, Path file) {
    String source =
        "testsrc2=size=%dx%d:rate=%d:duration=%d"
            .formatted(shape.width(), shape.height(), shape.fps(), shape.seconds());
    List<String> command =
        List.of(
            program.ffmpeg().toString(),
            "-nostdin",
            "-hide_banner",
            "-loglevel",
            "error",
            "-y",
            "-filter_complex",
            source + "[v]",
            "-map",
            "[v]",
            "-c:v",
            "libopenh264",
            "-b:v",
            "4M",
            "-pix_fmt",
            "yuv420p",
            "file:" + file.toAbsolutePath());
    try (ChildProcess child =
        ChildProcess.start(command, program.environment(), LIMIT, new Cancellation())) {
      int exit = child.awaitExit();
      if (exit != 0) {
        throw new IllegalStateException(
            "ffmpeg could not write a test clip (exit " + exit + "): " + child.lastLines());
      }
    }
  }
}
