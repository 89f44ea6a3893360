package vidfold.model;

import java.util.List;
import vidfold.merging.MergeSpec;

/**
 * Thresholds with which the authors of STTM evaluated a model (arXiv 2507.07990, its evaluation
 * script, on VideoMME; at the merge layer of {@link ModelInfo#defaultMergeLayer}).
 *
 * @param retention the share of tokens that they keep there on average; a single video may be far
 *     from it
 * @param thresholds the cosines
 */
public record PublishedSttm(double retention, MergeSpec.Thresholds thresholds) {

  private static final int HIDDEN_7B = 3584;
  private static final int HIDDEN_72B = 8192;

  /** What is published for a family at this decoder's size, most tokens first; maybe nothing. */
  static List<PublishedSttm> of(String family, Qwen2Config text) {
    String size =
        switch (text.hidden()) {
          case HIDDEN_7B -> "-7b";
          case HIDDEN_72B -> "-72b";
          default -> "";
        };
    return switch (family + size) {
      case "llava-video-7b" -> pairs(.85, .55, .80, .50);
      case "llava-onevision-7b" -> pairs(.85, .65, .85, .55);
      case "qwen2-vl-7b" -> pairs(.85, .60, .80, .60);
      case "llava-video-72b" -> pairs(.94, .82, .90, .90);
      default -> List.of();
    };
  }

  private static List<PublishedSttm> pairs(
      double spatialAtHalf,
      double temporalAtHalf,
      double spatialAtThirty,
      double temporalAtThirty) {
    return List.of(
        new PublishedSttm(0.5, new MergeSpec.Thresholds(spatialAtHalf, temporalAtHalf)),
        new PublishedSttm(0.3, new MergeSpec.Thresholds(spatialAtThirty, temporalAtThirty)));
  }
}
