package vidfold.model;

/**
 * Shape of Qwen2-VL's vision tower, from {@code vision_config}.
 *
 * @param depth blocks
 * @param width E, channels inside the tower
 * @param heads attention heads
 * @param mlpRatio width of the MLP over E
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
    double mlpRatio,
    int channels,
    int patch,
    int temporalPatch,
    int merge,
    int out) {

  VisionConfig {
    if (width % heads != 0 || (width / heads) % 4 != 0) {
      throw new IllegalArgumentException(
          "vision_config.embed_dim / num_heads must be a multiple of 4 but is "
              + width
              + " / "
              + heads);
    }
    if (channels != 3) {
      throw new IllegalArgumentException("vision_config.in_channels must be 3 but is " + channels);
    }
  }

  int mlp() {
    return (int) (width * mlpRatio);
  }

  int headDim() {
    return width / heads;
  }

  int patchValues() {
    return channels * temporalPatch * patch * patch;
  }
}
