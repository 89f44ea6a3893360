package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

class FrameFusionContractTest extends ReducerContract {

  /** A survivor, the one before it at its place, and their cosine. */
  private record Step(PlainGroups.Group before, PlainGroups.Group after, double cosine) {}

  @Override
  String reducer() {
    return "framefusion";
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    PlainGroups groups = PlainGroups.each(video);
    int leaves = video.h() * video.w();
    int wanted = wanted(video, spec);
    while (groups.list.size() > Math.max(wanted, leaves)) {
      List<Step> steps = steps(groups, leaves);
      int count = groups.list.size();
      long similar = steps.stream().filter(step -> step.cosine >= .6f).count();
      long merged = similar;
      if (similar >= count - wanted || similar < .1 * count) {
        merged = Math.min(count - wanted, steps.size());
      }
      if (spec.mode().equals("reference")) {
        groups.list.forEach(
            group -> {
              group.sum = group.vector();
              group.size = 1;
            });
      }
      steps.subList(0, (int) merged).stream()
          .sorted(Comparator.comparingInt(step -> -step.after.source))
          .forEach(
              step -> {
                step.before.take(step.after);
                groups.list.remove(step.after);
              });
    }
    return groups.trim(wanted).result();
  }

  private static List<Step> steps(PlainGroups groups, int leaves) {
    List<Step> steps = new ArrayList<>();
    PlainGroups.Group[] last = new PlainGroups.Group[leaves];
    for (PlainGroups.Group group : groups.list) {
      PlainGroups.Group before = last[group.source % leaves];
      if (before != null) {
        steps.add(new Step(before, group, PlainGroups.cosine(before.sum, group.sum)));
      }
      last[group.source % leaves] = group;
    }
    steps.sort(Comparator.comparingDouble(step -> -step.cosine));
    return steps;
  }

  /** One place, x x x y: the budget of three asks for one merge, that of two for the first run. */
  @Test
  void shouldMergeRunsIntoTheirFirst() {
    Video video = new Video(new float[] {1, 0, 2, 0, 3, 0, 0, 4}, 4, 1, 1, 2);
    assertThat(merge(video, "strict", .75).tokens().owner()).containsExactly(0, 0, 1, 2);
    MergeRig.Outcome outcome = merge(video, "strict", .5);
    assertThat(outcome.tokens().owner()).containsExactly(0, 0, 0, 1);
    assertThat(outcome.values()).containsExactly(2, 0, 0, 4);
  }

  @Test
  void shouldMergeWhatReachesGivenThreshold() {
    float[] values = {1, 0, 1, 1, 0, 1, 0, 2};
    MergeSpec spec = new MergeSpec("framefusion", "strict", null, new MergeSpec.Thresholds(0, .8));
    TokenMerger merger = rig.mergers().create(spec);
    MergeRig.Outcome outcome = rig.merge(new Video(values, 4, 1, 1, 2), merger);
    assertThat(outcome.tokens().owner()).containsExactly(0, 1, 2, 2);
    assertThat(outcome.tokens().retention()).isEqualTo(new Retention(null, .75, spec.thresholds()));
  }
}
