package vidfold.model;

import vidfold.torch.Tensor;

/**
 * A video's tokens as the vision tower gave them.
 *
 * @param tokens {@code [T*H*W, C]}
 * @param grid T, H and W
 * @param afterVideo token ids between this video and the question
 */
record VisualTokens(Tensor tokens, VisualGrid grid, int[] afterVideo) {}
