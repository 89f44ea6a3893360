package vidfold.model;

import java.util.List;

/**
 * What a model's authors, and those of STTM, evaluated it with.
 *
 * @param mergeLayer decoder layer before which visual tokens are merged
 * @param frames how frames are chosen
 * @param sttm thresholds by retention, most tokens first; none where nobody published any
 */
public record PublishedDefaults(int mergeLayer, SamplingRule frames, List<PublishedSttm> sttm) {
  public PublishedDefaults {
    sttm = List.copyOf(sttm);
  }

  /** Those of a loaded model. */
  public static PublishedDefaults of(VideoLlm model) {
    return new PublishedDefaults(
        model.info().defaultMergeLayer(), model.samplingRule(), model.publishedThresholds());
  }
}
