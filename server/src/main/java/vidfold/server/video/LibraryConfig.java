package vidfold.server.video;

/**
 * The limits of the video library.
 *
 * @param maxBytes the most bytes of one video
 * @param freeDiskFloor bytes of the disk that are never used by uploads
 * @param maxFrameBytes the most bytes of frames that one read may hold in memory
 */
public record LibraryConfig(long maxBytes, long freeDiskFloor, long maxFrameBytes) {
  public LibraryConfig {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("maxBytes must be at least 1 but was " + maxBytes);
    }
    if (freeDiskFloor < 0) {
      throw new IllegalArgumentException(
          "freeDiskFloor must not be negative but was " + freeDiskFloor);
    }
    if (maxFrameBytes < 1) {
      throw new IllegalArgumentException(
          "maxFrameBytes must be at least 1 but was " + maxFrameBytes);
    }
  }

  /** 4 GiB a video, 1 GiB of disk left free, 2 GiB of frames in memory. */
  public static LibraryConfig defaults() {
    return new LibraryConfig(4L << 30, 1L << 30, 2L << 30);
  }
}
