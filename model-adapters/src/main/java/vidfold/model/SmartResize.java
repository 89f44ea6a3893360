package vidfold.model;

/**
 * Qwen2-VL's choice of frame size: both sides a multiple of {@code factor}, the area within bounds,
 * the aspect ratio kept as closely as that allows.
 *
 * @param factor pixels of one visual token's side: patch size times merge size
 * @param minPixels least area of a frame
 * @param maxPixels largest area of a frame
 */
record SmartResize(int factor, long minPixels, long maxPixels) {

  private static final int MAX_RATIO = 200;

  FrameSize of(int width, int height) {
    int longer = Math.max(width, height);
    int shorter = Math.min(width, height);
    if (shorter < 1 || longer > (long) MAX_RATIO * shorter) {
      throw new IllegalArgumentException(
          "a frame's sides must be within a ratio of "
              + MAX_RATIO
              + " but are "
              + width
              + "x"
              + height);
    }
    long h = (long) Math.rint((double) height / factor) * factor;
    long w = (long) Math.rint((double) width / factor) * factor;
    if (h * w > maxPixels) {
      double beta = Math.sqrt((double) height * width / maxPixels);
      h = Math.max(factor, (long) Math.floor(height / beta / factor) * factor);
      w = Math.max(factor, (long) Math.floor(width / beta / factor) * factor);
    } else if (h * w < minPixels) {
      double beta = Math.sqrt((double) minPixels / ((double) height * width));
      h = (long) Math.ceil(height * beta / factor) * factor;
      w = (long) Math.ceil(width * beta / factor) * factor;
    }
    return new FrameSize(Math.toIntExact(w), Math.toIntExact(h));
  }
}
