package vidfold.model;

import java.util.List;

/**
 * Everything about a Qwen2.5-VL checkpoint that its configuration files say.
 *
 * @param common what it has in common with Qwen2-VL
 * @param window side of an attention window in visual tokens
 * @param fullBlocks blocks of the vision tower whose patches attend to their whole temporal step
 * @param tokensPerSecond by how much the temporal id of a visual token grows in a second of video
 */
record Qwen25VlConfig(
    Qwen2VlConfig common, int window, List<Integer> fullBlocks, double tokensPerSecond) {

  Qwen25VlConfig {
    fullBlocks = List.copyOf(fullBlocks);
    if (window < 1) {
      throw new IllegalArgumentException(
          "vision_config.window_size must be at least one visual token");
    }
    if (!(tokensPerSecond > 0) || Double.isInfinite(tokensPerSecond)) {
      throw new IllegalArgumentException(
          "vision_config.tokens_per_second must be positive but is " + tokensPerSecond);
    }
  }
}
