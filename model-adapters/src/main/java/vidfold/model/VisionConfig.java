package vidfold.model;

/**
 * Shape of a Qwen2-VL vision tower, from {@code vision_config}.
 *
 * @param depth blocks
 * @param width E, channels inside the tower
 * @param heads attention heads
 * @param mlp width of the MLP
 * @param channels colour channels of a frame
 * @param patch side of a patch in pixels
 * @param temporalPatch frames in one temporal step
 * @param merge side of the square of patches that becomes one visual token
 * @param out C, channels of a visual token
 */
record VisionConfig(
    int depth,
    int width,
    int heads,
    int mlp,
    int channels,
    int patch,
    int temporalPatch,
    int merge,
    int out) {

  private static final double ROPE_THETA = 10_000;

  VisionConfig {
    if (width % heads != 0 || (width / heads) % 4 != 0) {
      throw new IllegalArgumentException(
          "the vision tower's width / heads must be a multiple of 4 but is "
              + width
              + " / "
              + heads);
    }
    if (channels != 3) {
      throw new IllegalArgumentException("vision_config.in_channels must be 3 but is " + channels);
    }
  }

  /** D, the dimension of a head. */
  int headDim() {
    return width / heads;
  }

  /** Pixels of the square that becomes one visual token. */
  long tokenPixels() {
    long side = (long) patch * merge;
    return side * side;
  }

  /** Inverse frequencies {@code [D/4]} of the rotary embedding, the same for rows and columns. */
  float[] frequencies() {
    int dim = headDim() / 2;
    float[] out = new float[dim / 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = 1f / (float) Math.pow(ROPE_THETA, (float) (2 * i) / dim);
    }
    return out;
  }
}
