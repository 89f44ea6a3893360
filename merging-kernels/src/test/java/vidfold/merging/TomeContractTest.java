package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TomeContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "tome";
  }

  @Override
  boolean ascending(String mode) {
    return mode.equals("strict");
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    PlainGroups groups = PlainGroups.each(video);
    while (groups.list.size() > wanted(video, spec)) {
      round(groups, wanted(video, spec), spec.mode().equals("strict"));
    }
    return groups.result();
  }

  private static void round(PlainGroups groups, int wanted, boolean strict) {
    record Match(PlainGroups.Group source, PlainGroups.Group best, double cosine) {}
    List<Match> matches = new ArrayList<>();
    for (int i = 0; i < groups.list.size(); i += 2) {
      PlainGroups.Group source = groups.list.get(i);
      Match match = new Match(source, source, -2);
      for (int j = 1; j < groups.list.size(); j += 2) {
        PlainGroups.Group other = groups.list.get(j);
        double cosine = PlainGroups.cosine(source.sum, other.sum);
        match = cosine > match.cosine ? new Match(source, other, cosine) : match;
      }
      matches.add(match);
    }
    matches.sort(Comparator.comparingDouble(match -> -match.cosine));
    int merged = Math.min(groups.list.size() - wanted, groups.list.size() / 2);
    List<PlainGroups.Group> out = new ArrayList<>();
    for (int i = 0; i < matches.size(); i++) {
      if (i < merged) {
        matches.get(i).best.take(matches.get(i).source);
      } else {
        out.add(matches.get(i).source);
      }
    }
    for (int j = 1; j < groups.list.size(); j += 2) {
      out.add(groups.list.get(j));
    }
    if (strict) {
      out.sort(Comparator.comparingInt(group -> group.source));
    }
    groups.list = out;
  }

  @ParameterizedTest
  @CsvSource({"tome_video_00_8x14x14, .5", "tome_video_01_6x7x12, .7"})
  void shouldReproducePublishedCode(String name, double ratio) {
    Golden.Rows golden = Golden.rows(name);
    MergeRig.Outcome outcome = rig.mergePruned(golden.video(), reducer(), ratio);
    assertThat(outcome.tokens().sourceIndex()).isEqualTo(golden.sourceIndex());
    for (int i = 0; i < golden.merged().length; i++) {
      assertThat(outcome.values()[i]).isCloseTo(golden.merged()[i], within(1e-4f));
    }
  }

  /** At half of the tokens the published order is that of the video, and both modes agree. */
  @Test
  void shouldAgreeInBothModesAtHalf() {
    Video video = Video.scene(6, 6, 6, 12, 4);
    MergeRig.Outcome strict = merge(video, "strict", .5);
    assertThat(strict.values()).isEqualTo(merge(video, "reference", .5).values());
    assertThat(strict.tokens().sourceIndex()).startsWith(1, 3, 5).endsWith(213, 215);
  }

  /** Four tokens on two lines: the second source is closer to its destination than the first. */
  @Test
  void shouldMergeMostSimilarSourceFirst() {
    Video video = new Video(new float[] {2, 1, 1, 0, 0, 3, 0, 1}, 1, 1, 4, 2);
    MergeRig.Outcome outcome = merge(video, "strict", .75);
    assertThat(outcome.tokens().owner()).containsExactly(0, 1, 2, 2);
    assertThat(outcome.values()).containsExactly(2, 1, 1, 0, 0, 2);
  }
}
