package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TemporalContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "temporal";
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    SttmOptions options = new SttmOptions(spec.mode().equals("strict"), 9, false);
    PlainSttm.Result merged = PlainSttm.merge(video, options, used.thresholds());
    return PlainGroups.of(video, merged).trim(wanted(video, spec)).result();
  }

  /** Space is left alone: constant frames that all differ stay whole. */
  @Test
  void shouldMergeOverTimeOnly() {
    Video colours = Video.random(1, 1, 3, 64, 4);
    Video frames = colours.paint(3, 4, 4, (t, y, x) -> t);
    Video still = colours.paint(3, 4, 4, (t, y, x) -> x % 3);
    MergeSpec spec = new MergeSpec("temporal", "strict", null, new MergeSpec.Thresholds(-1, .6));
    TokenMerger merger = rig.mergers().create(spec);
    assertThat(rig.merge(frames, merger).tokens().count()).isEqualTo(48);
    assertThat(rig.merge(still, merger).tokens().patchCount()).hasSize(16).containsOnly(3);
  }
}
