package vidfold.model;

/**
 * The keys and values of a prefix, in two groups of layers because merging inside the decoder
 * leaves the layers below it with all tokens.
 *
 * @param lower layers below the merge layer, {@code [k, 2, Hkv, N + text, D]}
 * @param upper the other layers, {@code [L-k, 2, Hkv, M + text, D]}
 * @param nextLow position id of the first token after the prefix in the lower layers
 * @param nextHigh the same in the upper layers
 * @param promptTokens token ids that the prefix holds, for the repetition penalty
 * @param visual the visual tokens in the upper layers
 */
record PrefixKv(
    LayerKv lower,
    LayerKv upper,
    long nextLow,
    long nextHigh,
    int[] promptTokens,
    VisualRows visual) {}
