package vidfold.model;

/**
 * How LLaVA makes a frame's grid of patches smaller.
 *
 * @param mode how cells are joined
 * @param stride by how much each side shrinks
 */
record Pooling(Mode mode, int stride) {

  /** The modes of {@code mm_spatial_pool_mode}; their order is that of {@code siglip_vision.py}. */
  enum Mode {
    BILINEAR,
    AVERAGE,
    MAX
  }

  /** What LLaVA-Video and LLaVA-OneVision were released with: 27 x 27 patches, 14 x 14 tokens. */
  static final Pooling RELEASED = new Pooling(Mode.BILINEAR, 2);

  Pooling {
    if (stride < 1) {
      throw new IllegalArgumentException("the pooling stride must be at least 1 but is " + stride);
    }
  }

  /** The side of the pooled grid: bilinear sampling rounds up, windows that do not fit are lost. */
  int side(int grid) {
    return mode == Mode.BILINEAR ? (grid + stride - 1) / stride : grid / stride;
  }
}
