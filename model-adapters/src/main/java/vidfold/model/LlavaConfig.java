package vidfold.model;

/**
 * Everything about a LLaVA-Video or LLaVA-OneVision checkpoint that its configuration files say.
 *
 * @param family {@code llava-video} or {@code llava-onevision}
 * @param text shape of the decoder
 * @param vision shape of the vision tower
 * @param scale pixel normalisation
 * @param pooling from patches to visual tokens
 * @param newline where the newline vector goes
 * @param timeInstruction whether the prompt says when the frames were shown
 * @param sampling how frames are chosen
 * @param placeholders ids that stand for visual tokens in prompts, if the tokenizer has one
 */
record LlavaConfig(
    String family,
    Qwen2Config text,
    SiglipConfig vision,
    PixelScale scale,
    Pooling pooling,
    NewlineMode newline,
    boolean timeInstruction,
    SamplingRule sampling,
    int[] placeholders) {

  LlavaConfig {
    if (pooling.side(vision.grid()) < 1) {
      throw new IllegalArgumentException(
          "pooling by %d leaves nothing of %d patches".formatted(pooling.stride(), vision.grid()));
    }
  }

  /** H and W of a frame's visual tokens. */
  int side() {
    return pooling.side(vision.grid());
  }
}
