package vidfold.model;

/**
 * Everything about a Qwen2-VL checkpoint that its configuration files say; Qwen2.5-VL has it too.
 *
 * @param text shape of the decoder
 * @param vision shape of the vision tower
 * @param scale pixel normalisation
 * @param minPixels least area of a frame
 * @param maxPixels largest area of a frame
 * @param maxVideoTokens bound on the patch groups of a whole clip, which lowers the area of each
 *     frame
 * @param videoToken id of the token that stands for a visual token in prompts
 */
record Qwen2VlConfig(
    Qwen2Config text,
    VisionConfig vision,
    PixelScale scale,
    long minPixels,
    long maxPixels,
    long maxVideoTokens,
    int videoToken) {

  Qwen2VlConfig {
    if (vision.out() != text.hidden()) {
      throw new IllegalArgumentException(
          "the vision tower's output must equal hidden_size "
              + text.hidden()
              + " but is "
              + vision.out());
    }
  }

  /**
   * The frame size for a clip: the processor's bounds, and the clip's total shared evenly by its
   * temporal steps (the per-frame cap of the published preprocessing).
   */
  FrameSize frameSize(int frames, int width, int height) {
    int factor = vision.patch() * vision.merge();
    long total = (long) (maxVideoTokens * (double) factor * factor * 0.9);
    long share = total * vision.temporalPatch() / frames;
    long most = Math.max(Math.min(maxPixels, share), (long) (minPixels * 1.05));
    return new SmartResize(factor, minPixels, most).of(width, height);
  }
}
