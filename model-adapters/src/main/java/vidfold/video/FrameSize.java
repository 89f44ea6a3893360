package vidfold.video;

/**
 * The size to which frames are scaled before they leave the decoder, pixels.
 *
 * @param width of a frame as shown
 * @param height of a frame as shown
 */
public record FrameSize(int width, int height) {
  private static final int MAX_SIDE = 16_384;

  public FrameSize {
    if (width <= 0 || height <= 0 || width > MAX_SIDE || height > MAX_SIDE) {
      throw new IllegalArgumentException("frame size " + width + "x" + height);
    }
  }

  /** The video's own size, after rotation. */
  public static FrameSize of(VideoInfo info) {
    return new FrameSize(info.width(), info.height());
  }

  /** Bytes of one frame as RGB24. */
  public int bytes() {
    return Math.multiplyExact(3, Math.multiplyExact(width, height));
  }
}
