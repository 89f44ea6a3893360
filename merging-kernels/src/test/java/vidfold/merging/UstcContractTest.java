package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import vidfold.torch.TorchModule;

class UstcContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "ustc";
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    return PlainUstc.merge(
        video, wanted(video, spec), PlainUstc.distinctness(video), UstcMerger.WINDOW);
  }

  /** More tokens than a block of candidates holds, in windows, with given saliency. */
  @Test
  void shouldEqualTwinOverBlocksAndWindows() {
    Video video = Video.scene(10, 9, 9, 12, 31);
    Random random = new Random(32);
    float[] saliency = new float[video.tokens()];
    double[] wide = new double[saliency.length];
    for (int i = 0; i < saliency.length; i++) {
      saliency[i] = random.nextFloat();
      wide[i] = saliency[i];
    }
    for (double retention : new double[] {.02, .1, .4}) {
      MergeSpec spec = MergeSpec.of("ustc", "strict", retention);
      try (RowKernels kernels = new RowKernels(rig.torch());
          TorchModule script = rig.torch().script("Ustc", "ustc.py")) {
        TokenMerger merger = new UstcMerger(kernels, script, spec, 50);
        compare(
            rig.merge(video, saliency, merger),
            PlainUstc.merge(video, wanted(video, spec), wide, 50));
      }
    }
  }

  /**
   * More channels than an outline has figures, so that bounds are loose: in a scene most cosines
   * and distances are settled by them, in noise hardly any.
   */
  @Test
  void shouldEqualTwinWhereOutlinesSettleLittle() {
    for (Video video :
        List.of(Video.scene(6, 8, 9, 80, 41), Video.random(5, 6, 7, 80, 42), mixture())) {
      for (double retention : new double[] {.03, .2, .6}) {
        MergeSpec spec = MergeSpec.of("ustc", "strict", retention);
        compare(
            rig.merge(video, rig.mergers().create(spec)),
            twin(video, spec, new Retention(retention, retention, null)));
      }
    }
  }

  /** Tokens whose cosines lie around that of the retention pool. */
  private static Video mixture() {
    Video video = Video.random(8, 5, 6, 60, 43);
    Video common = Video.random(1, 1, 1, 60, 44);
    for (int i = 0; i < video.values().length; i++) {
      video.values()[i] = .65f * video.values()[i] + common.values()[i % 60];
    }
    return video;
  }

  /**
   * Ten tokens in the plane, budget 5: three to retain, two clusters. By saliency 9 comes first,
   * then 0 (orthogonal: joins), 1 (on the line of 0: recycled), 2 (cosine .71 with 9: recycled), 8
   * (opposite to 0: joins). Of the recycled ones, 1 3 4 lie at (5, 0) and 2 5 6 7 at (3, 3): the
   * middle ones of each are the two peaks.
   */
  @Test
  void shouldRetainSalientAndClusterRest() {
    float[] values = {
      9, 0, 5.2f, 0, 3.3f, 3.3f, 5, 0, 4.8f, 0, 3.1f, 3.1f, 3, 3, 2.8f, 2.8f, -9, 0, 0, 9
    };
    float[] saliency = {9, 8, 7, 1, 2, 3, 4, 5, 6, 10};
    Video video = new Video(values, 1, 2, 5, 2);
    TokenMerger merger = rig.mergers().create(MergeSpec.of("ustc", "strict", .5));
    MergeRig.Outcome outcome = rig.merge(video, saliency, merger);
    int[] owner = outcome.tokens().owner();
    assertThat(outcome.tokens().patchCount()).containsExactlyInAnyOrder(1, 3, 4, 1, 1);
    assertThat(new int[] {owner[1], owner[4]}).containsOnly(owner[3]);
    assertThat(new int[] {owner[2], owner[5], owner[7]}).containsOnly(owner[6]);
    assertThat(outcome.tokens().patchCount()[owner[0]]).isEqualTo(1);
    assertThat(outcome.tokens().patchCount()[owner[8]]).isEqualTo(1);
    assertThat(outcome.tokens().patchCount()[owner[9]]).isEqualTo(1);
  }

  /** Nothing but one colour: the pool takes one token, clusters have to take what is left. */
  @Test
  void shouldGiveClustersWhatPoolLeaves() {
    MergedTokens merged = merge(Video.constant(2, 5, 5, 8), "strict", .4).tokens();
    assertThat(merged.count()).isEqualTo(20);
    assertThat(merged.owner()[0]).isZero();
    assertThat(merged.patchCount()[0]).isEqualTo(1);
  }

  @Test
  void shouldNameWrongSaliency() {
    Video video = Video.random(1, 2, 2, 4, 1);
    TokenMerger merger = rig.mergers().create(MergeSpec.of("ustc", "strict", .5));
    assertThatThrownBy(() -> rig.merge(video, new float[3], merger))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("saliency must be [4] but was [3]");
    assertThatThrownBy(() -> rig.merge(video, new float[] {0, 0, Float.NaN, 0}, merger))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("saliency must be finite but was NaN for token 2");
  }
}
