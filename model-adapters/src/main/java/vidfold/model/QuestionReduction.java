package vidfold.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A wish that one question sees less of its video than the cached prefix holds.
 *
 * <ul>
 *   <li>{@code fastv} (arXiv 2403.06764): from layer 2 on only the visual tokens to which the last
 *       token of the prompt pays the most attention in the layer before, half of them.
 *   <li>{@code ustc} (arXiv 2603.21957, inner stage): from layer 18 of 28 on half of the tokens, by
 *       attention and similarity to the text; the others are merged into those.
 *   <li>{@code dycoke} (arXiv 2411.15024, stage 2): at every step of the answer, from layer 3 on,
 *       the fifth of the tokens to which the newest token pays the most attention.
 *   <li>{@code framefusion} (arXiv 2501.01986, pruning phase): as {@code fastv}, one layer after
 *       the merge; its retention is the share of tokens that a layer sees on average over all
 *       layers, so fewer are kept from its layer on.
 * </ul>
 *
 * @param reducer one of {@link #REDUCERS}
 * @param retention share of the prefix's visual tokens in (0, 1], or null for the reducer's own
 * @param layer the first decoder layer that sees less, or null for the reducer's own
 */
public record QuestionReduction(
    String reducer, @Nullable Double retention, @Nullable Integer layer) {

  /** The names of the reducers. */
  public static final List<String> REDUCERS = List.of("fastv", "ustc", "dycoke", "framefusion");

  private static final double HALF = 0.5;
  private static final double DYCOKE_RETENTION = 0.2;
  private static final int FASTV_LAYER = 2;
  private static final int DYCOKE_LAYER = 3;

  /** USTC's layer 18 was chosen in a model of 28 layers. */
  private static final double USTC_DEPTH = 18.0 / 28.0;

  public QuestionReduction {
    requireName(reducer);
    if (retention != null && !(retention > 0 && retention <= 1)) {
      throw new IllegalArgumentException(
          "question retention must be in (0, 1] but was " + retention);
    }
  }

  /**
   * Checks a name.
   *
   * @throws IllegalArgumentException if it is none of {@link #REDUCERS}
   */
  public static void requireName(String reducer) {
    if (!REDUCERS.contains(reducer)) {
      throw new IllegalArgumentException(
          "question reducer must be one of " + REDUCERS + " but was '" + reducer + "'");
    }
  }

  /**
   * The first layer that sees less: as asked, or the published one, moved to where there are
   * survivors to choose from and layers left to profit.
   *
   * @param mergeLayer decoder layer before which the prefix's visual tokens were merged
   * @param layers decoder layers of the model
   * @throws IllegalArgumentException if there is no such layer, or the one asked for is not in
   *     [mergeLayer + 1, layers - 1]
   */
  public int layerIn(int mergeLayer, int layers) {
    int lowest = mergeLayer + 1;
    int highest = layers - 1;
    if (lowest > highest) {
      throw new IllegalArgumentException(
          "question reducer '%s' needs a decoder layer above the merge layer, which is %d of %d"
              .formatted(reducer, mergeLayer, layers));
    }
    if (layer != null && (layer < lowest || layer > highest)) {
      throw new IllegalArgumentException(
          "question layer must be in [%d, %d] but was %d".formatted(lowest, highest, layer));
    }
    return layer == null ? Math.min(highest, Math.max(lowest, published(lowest, layers))) : layer;
  }

  /**
   * The reducer for a model and a merge layer, with everything chosen.
   *
   * @throws IllegalArgumentException as {@link #layerIn}, or if the retention of {@code
   *     framefusion} is less than what the layers below its own already see
   */
  public QuestionReducer in(int mergeLayer, int layers) {
    int from = layerIn(mergeLayer, layers);
    return new QuestionReducer(
        reducer, retention == null ? usualRetention(from, layers) : retention, from, layers);
  }

  private int published(int lowest, int layers) {
    return switch (reducer) {
      case "fastv" -> FASTV_LAYER;
      case "ustc" -> (int) Math.round(layers * USTC_DEPTH);
      case "dycoke" -> DYCOKE_LAYER;
      default -> lowest;
    };
  }

  private double usualRetention(int from, int layers) {
    return switch (reducer) {
      case "dycoke" -> DYCOKE_RETENTION;
      case "framefusion" -> (from + HALF * (layers - from)) / layers;
      default -> HALF;
    };
  }
}
