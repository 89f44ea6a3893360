package vidfold.video;

import java.util.List;

/**
 * What a probe found out about a video, without decoding it.
 *
 * @param container ffmpeg's name of the container, for example {@code matroska,webm}
 * @param codec ffmpeg's name of the codec, for example {@code h264}
 * @param width of a frame as shown (after rotation), pixels
 * @param height of a frame as shown (after rotation), pixels
 * @param rotation clockwise turn that is applied before showing: 0, 90, 180 or 270 degrees
 * @param durationSeconds from the start of the first frame to the end of the last
 * @param times presentation time of every frame
 * @param streamIndex which stream of the file this is
 * @param audioTracks number of audio streams, which are ignored
 * @param warnings sentences about what is odd, in the order found
 */
public record VideoInfo(
    String container,
    String codec,
    int width,
    int height,
    int rotation,
    double durationSeconds,
    FrameTimes times,
    int streamIndex,
    int audioTracks,
    List<String> warnings) {

  public VideoInfo {
    if (width <= 0 || height <= 0) {
      throw new IllegalArgumentException("frame size " + width + "x" + height);
    }
    warnings = List.copyOf(warnings);
  }

  /** The number of frames that are shown. */
  public int frameCount() {
    return times.count();
  }

  /** Whether this is a list of pictures, all of which are meant to be seen. */
  public boolean isPictures() {
    return container.equals(PictureClip.CONTAINER);
  }

  /** Frames per second on average; 0 when the duration is 0. */
  public double averageFps() {
    return durationSeconds > 0 ? frameCount() / durationSeconds : 0;
  }
}
