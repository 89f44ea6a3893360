package vidfold.model;

import org.jspecify.annotations.Nullable;
import vidfold.torch.Tensor;

/**
 * A video's tokens as the vision tower gave them.
 *
 * @param tokens {@code [T*H*W, C]}
 * @param saliency {@code [T*H*W]} as in {@link SalientTokens}, or null if it was not asked for
 * @param grid T, H and W
 * @param stepIds temporal ids of the T steps, relative to the first
 * @param afterVideo token ids between this video and the question
 */
record VisualTokens(
    Tensor tokens, @Nullable Tensor saliency, VisualGrid grid, long[] stepIds, int[] afterVideo) {}
