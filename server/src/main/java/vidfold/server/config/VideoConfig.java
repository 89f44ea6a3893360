package vidfold.server.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import vidfold.server.video.LibraryConfig;
import vidfold.video.VideoLimits;

/**
 * Videos: where they are kept, and how they are read.
 *
 * @param dataFolder the library's folder
 * @param workers ffmpeg processes at a time
 * @param ffmpegFolder the operator's own programs, or null for the bundled ones
 * @param ffmpegCache where bundled programs are unpacked
 */
public record VideoConfig(
    Path dataFolder,
    LibraryConfig library,
    VideoLimits limits,
    int workers,
    @Nullable Path ffmpegFolder,
    Path ffmpegCache) {
  public VideoConfig {
    if (workers < 1) {
      throw new IllegalArgumentException("video workers must be at least 1 but were " + workers);
    }
  }

  /** The same in another data folder, with no more of the disk left free than it has. */
  public VideoConfig inTemporaryFolder(Path folder) {
    return new VideoConfig(
        folder,
        new LibraryConfig(library.maxBytes(), 0, library.maxFrameBytes()),
        limits,
        workers,
        ffmpegFolder,
        ffmpegCache);
  }
}
