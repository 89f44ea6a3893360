package vidfold.model;

/**
 * How much of a video a question with a per-question reducer sees from the reducer's layer on.
 *
 * @param before visual tokens that the prefix holds there
 * @param after those that are seen
 */
public record VisibleTokens(int before, int after) {}
