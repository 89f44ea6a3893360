package vidfold.model;

import vidfold.checkpoint.ConfigNode;

/**
 * Shape of a SigLIP vision tower (arXiv 2303.15343).
 *
 * @param blocks how many are run; the released models leave out the last of 27
 * @param width E, channels inside the tower
 * @param heads attention heads
 * @param mlp width of the MLP
 * @param image side of a frame in pixels
 * @param patch side of a patch in pixels
 * @param normEps epsilon of its layer norms
 */
record SiglipConfig(
    int blocks, int width, int heads, int mlp, int image, int patch, double normEps) {

  /** The tower of every LLaVA-Video and LLaVA-OneVision, as far as its output is used. */
  static final SiglipConfig SO400M_384 = new SiglipConfig(26, 1152, 16, 4304, 384, 14, 1e-6);

  private static final String ACTIVATION = "gelu_pytorch_tanh";

  SiglipConfig {
    if (blocks < 1 || patch < 1 || image < patch) {
      throw new IllegalArgumentException(
          "vision_config: no tower has %d blocks and patches of %d in %d pixels"
              .formatted(blocks, patch, image));
    }
    if (width % heads != 0) {
      throw new IllegalArgumentException(
          "vision_config.hidden_size must be a multiple of num_attention_heads but is "
              + width
              + " / "
              + heads);
    }
  }

  /**
   * Reads {@code vision_config}; what it leaves out is as the configuration class of transformers
   * has it.
   *
   * @param layer which hidden state is used: 1 is the first block's output, -1 the last one's
   */
  static SiglipConfig read(ConfigNode vision, int layer) {
    if (!vision.getString("hidden_act", ACTIVATION).equals(ACTIVATION)) {
      throw vision.unusable("hidden_act", ACTIVATION);
    }
    int layers = vision.getInt("num_hidden_layers", 12);
    int blocks = layer < 0 ? layers + 1 + layer : layer;
    if (blocks < 1 || blocks > layers) {
      throw new IllegalArgumentException(
          "vision_config: there is no output of layer %d of %d".formatted(layer, layers));
    }
    return new SiglipConfig(
        blocks,
        vision.getInt("hidden_size", 768),
        vision.getInt("num_attention_heads", 12),
        vision.getInt("intermediate_size", 3072),
        vision.getInt("image_size", 224),
        vision.getInt("patch_size", 16),
        vision.getDouble("layer_norm_eps", 1e-6));
  }

  /** The same shape at another depth. */
  SiglipConfig withBlocks(int count) {
    return new SiglipConfig(count, width, heads, mlp, image, patch, normEps);
  }

  /** Patches along a side; pixels that do not fill one are not read. */
  int grid() {
    return image / patch;
  }

  int patches() {
    return grid() * grid();
  }
}
