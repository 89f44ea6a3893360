package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DycokeContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "dycoke";
  }

  @Override
  boolean ascending(String mode) {
    return mode.equals("strict");
  }

  @Override
  boolean keepsAll() {
    return false;
  }

  /** Below one whole frame, places are gone for good. */
  @Override
  double stillStep() {
    return .3;
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    PlainGroups groups = new PlainGroups(video);
    List<Integer> frames = new ArrayList<>();
    for (int t = 0; t < video.t(); t++) {
      frames.add(t);
    }
    keep(groups, frames, wanted(video, spec), spec.mode().equals("strict"));
    return groups.result();
  }

  /** With which earlier frame each is compared; null where it stays whole. */
  private static List<Integer> partners(List<Integer> frames, boolean strict) {
    List<Integer> out = new ArrayList<>();
    for (int group = 0; group < frames.size(); group += 4) {
      boolean thirdStays = !strict && group >= frames.size() - 4;
      out.add(null);
      out.add(frames.get(group));
      out.add(thirdStays ? null : frames.get(group));
      out.add(group + 2 < frames.size() ? frames.get(group + 2) : null);
    }
    return out.subList(0, frames.size());
  }

  private static void keep(PlainGroups groups, List<Integer> frames, int budget, boolean strict) {
    int leaves = groups.video.h() * groups.video.w();
    List<Integer> partners = partners(frames, strict);
    List<Integer> whole = new ArrayList<>();
    for (int i = 0; i < frames.size(); i++) {
      if (partners.get(i) == null) {
        whole.add(frames.get(i));
      }
    }
    if (budget < whole.size() * leaves) {
      if (frames.size() > 1) {
        keep(groups, whole, budget, strict);
      } else {
        for (int k = 0; k < budget; k++) {
          int leaf = (int) Math.floor((k + .5) * leaves / budget);
          groups.list.add(groups.token(frames.get(0) * leaves + leaf));
        }
      }
      return;
    }
    int rest = budget - whole.size() * leaves;
    int pruned = frames.size() - whole.size();
    int seen = 0;
    for (int i = 0; i < frames.size(); i++) {
      int quota = leaves;
      if (partners.get(i) != null) {
        quota = (seen + 1) * rest / pruned - seen * rest / pruned;
        seen++;
      }
      List<Integer> tokens = ranked(groups, frames.get(i), partners.get(i)).subList(0, quota);
      (strict ? tokens.stream().sorted() : tokens.stream())
          .forEach(token -> groups.list.add(groups.token(token)));
    }
  }

  private static List<Integer> ranked(PlainGroups groups, int frame, Integer partner) {
    int leaves = groups.video.h() * groups.video.w();
    List<Integer> out = new ArrayList<>();
    for (int leaf = 0; leaf < leaves; leaf++) {
      out.add(frame * leaves + leaf);
    }
    if (partner != null) {
      int apart = (frame - partner) * leaves;
      out.sort(
          Comparator.comparingDouble(
              i -> PlainGroups.cosine(groups.vector(i), groups.vector(i - apart))));
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({"dycoke1_02_8x14x14, .7", "dycoke1_03_13x7x7, .925"})
  void shouldReproducePublishedCode(String name, double ratio) {
    Golden.Rows golden = Golden.rows(name);
    MergeRig.Outcome outcome = rig.mergePruned(golden.video(), reducer(), ratio);
    assertThat(outcome.tokens().sourceIndex()).isEqualTo(golden.sourceIndex());
    assertThat(outcome.values()).isEqualTo(golden.merged());
  }

  /** Two places in four frames; one place changes in every frame, the other never. */
  @Test
  void shouldKeepWhatChangesInFourFrames() {
    float[] values = {1, 0, 1, 0, 1, 0, 0, 1, 1, 0, -1, 0, 1, 0, 1, 1};
    Video video = new Video(values, 4, 1, 2, 2);
    assertThat(merge(video, "strict", 5 / 8.0).tokens().sourceIndex())
        .containsExactly(0, 1, 3, 5, 7);
    assertThat(merge(video, "reference", 6 / 8.0).tokens().sourceIndex())
        .containsExactly(0, 1, 3, 4, 5, 7);
    assertThat(merge(video, "strict", 1 / 8.0).tokens().sourceIndex()).containsExactly(1);
  }
}
