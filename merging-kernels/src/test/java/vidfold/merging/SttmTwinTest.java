package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import vidfold.torch.Dtype;
import vidfold.torch.Tensor;

/** The kernel against its plain twin, and what holds for every merge, over many grids. */
class SttmTwinTest {

  private static MergeRig rig;

  /** One grid with one set of options. */
  record Case(int t, int h, int w, SttmOptions options, long seed) {}

  @BeforeAll
  static void start() {
    rig = new MergeRig();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  static Stream<Case> cases() {
    int[][] grids = {
      {1, 1}, {1, 2}, {1, 5}, {1, 14}, {1, 40}, {7, 1}, {2, 2}, {2, 3}, {2, 9}, {2, 40}, {9, 2},
      {3, 3}, {4, 40}, {40, 3}, {5, 8}, {13, 23}, {14, 14}, {20, 36}
    };
    List<Case> cases = new ArrayList<>();
    for (int[] grid : grids) {
      for (int t : grid[0] * grid[1] > 300 ? new int[] {3} : new int[] {1, 2, 5, 9}) {
        for (boolean strict : new boolean[] {false, true}) {
          for (boolean weighted : new boolean[] {false, true}) {
            int root = cases.size() / 2 % 3;
            for (int headDim : new int[] {0, 4}) {
              var tree = new MergeSpec.Tree(root, weighted, headDim);
              SttmOptions options = new SttmOptions(strict, tree);
              cases.add(new Case(t, grid[0], grid[1], options, cases.size() / 2));
            }
          }
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldEqualTwin(Case c) {
    Video video = Video.scene(c.t, c.h, c.w, 12, c.seed);
    for (double[] pair : new double[][] {{.75, .6}, {.9, .8}, {.5, .3}, {.85, 0}}) {
      MergeRig.Outcome outcome = rig.merge(video, c.options, pair[0], pair[1]);
      PlainSttm.Result twin =
          PlainSttm.merge(video, c.options, new MergeSpec.Thresholds(pair[0], pair[1]));

      assertThat(outcome.tokens().boxes()).isEqualTo(twin.boxes());
      assertThat(outcome.tokens().patchCount()).isEqualTo(twin.patchCount());
      assertThat(outcome.tokens().sourceIndex()).isEqualTo(twin.sourceIndex());
      assertThat(outcome.tokens().owner()).isEqualTo(twin.owner());
      for (int i = 0; i < outcome.values().length; i++) {
        assertThat((double) outcome.values()[i])
            .isCloseTo(twin.values()[i / 12][i % 12], within(1e-4));
      }
      checkProperties(video, outcome.tokens());
    }
  }

  /**
   * Two frames of one token, (3, 0 | 1, 0) and (3, 0 | 0, 1): as a whole their cosine is 9 / 10,
   * but the first heads agree (1) and the second do not at all (0), which makes 1 / 2.
   */
  @Test
  void shouldLetEveryHeadCountTheSame() {
    Video video = new Video(new float[] {3, 0, 1, 0, 3, 0, 0, 1}, 2, 1, 1, 4);
    SttmOptions whole = new SttmOptions(true, new MergeSpec.Tree(1, false, 0));
    SttmOptions heads = new SttmOptions(true, new MergeSpec.Tree(1, false, 2));
    assertThat(rig.merge(video, whole, 1, .89).tokens().count()).isOne();
    assertThat(rig.merge(video, heads, 1, .89).tokens().count()).isEqualTo(2);
    assertThat(rig.merge(video, heads, 1, .51).tokens().count()).isEqualTo(2);
    assertThat(rig.merge(video, heads, 1, .49).tokens().count()).isOne();
    SttmOptions odd = new SttmOptions(true, new MergeSpec.Tree(1, false, 3));
    assertThatThrownBy(() -> rig.merge(video, odd, 1, .5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("head_dim must divide the 4 channels of a token but was 3");
  }

  @Test
  void shouldTakeTreesForReducersThatHaveThem() {
    var rooted = new MergeSpec.Tree(2, false, 0);
    var heads = new MergeSpec.Tree(1, false, 8);
    assertThat(MergeSpec.of("octree", "strict", .5).with(rooted).tree()).isEqualTo(rooted);
    assertThat(MergeSpec.of("temporal", "strict", .5).with(heads).tree()).isEqualTo(heads);
    assertThatThrownBy(() -> MergeSpec.of("temporal", "strict", .5).with(rooted))
        .hasMessage("root_level is for one of [octree, sttm] but the reducer is temporal");
    assertThatThrownBy(() -> MergeSpec.of("tome", "strict", .5).with(heads))
        .hasMessage("head_dim is for one of [sttm, temporal] but the reducer is tome");
    assertThatThrownBy(
            () -> MergeSpec.of("ustc", "strict", .5).with(new MergeSpec.Tree(1, true, 0)))
        .hasMessage("weighted_average is for one of [sttm, temporal] but the reducer is ustc");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldBeIdentityAboveOne(Case c) {
    int channels = c.options.tree().headDim() == 0 ? 5 : 8;
    for (Video video :
        List.of(
            Video.random(c.t, c.h, c.w, channels, c.seed),
            Video.constant(c.t, c.h, c.w, channels))) {
      MergeRig.Outcome outcome = rig.merge(video, c.options, 1.001, 1.001);
      assertThat(outcome.values()).isEqualTo(video.values());
      assertThat(outcome.tokens().patchCount()).containsOnly(1);
      checkProperties(video, outcome.tokens());
    }
  }

  @Test
  void shouldEqualTwinOnBenchmarkInput() {
    Video video;
    try (Tensor values = SyntheticTokens.make(rig.torch(), Dtype.F32, 4, 14, 14, 3584)) {
      video = new Video(values.toFloats(), 4, 14, 14, 3584);
    }
    for (boolean strict : new boolean[] {false, true}) {
      SttmOptions options = MergeRig.options(strict);
      MergedTokens merged = rig.merge(video, options, .85, .6).tokens();
      PlainSttm.Result twin = PlainSttm.merge(video, options, new MergeSpec.Thresholds(.85, .6));
      assertThat(merged.owner()).isEqualTo(twin.owner());
      assertThat(merged.count()).isBetween(32, 600);
    }
  }

  private static void checkProperties(Video video, MergedTokens merged) {
    assertThat(Arrays.stream(merged.patchCount()).sum()).isEqualTo(video.tokens());
    int[] source = merged.sourceIndex();
    int[] held = new int[source.length];
    for (int owner : merged.owner()) {
      held[owner]++;
    }
    assertThat(held).isEqualTo(merged.patchCount());
    for (int i = 0; i < source.length; i++) {
      assertThat(merged.owner()[source[i]]).isEqualTo(i);
      assertThat(i == 0 || source[i - 1] < source[i]).isTrue();
      int[] box = Arrays.copyOfRange(merged.boxes(), 5 * i, 5 * i + 5);
      assertThat(source[i]).isEqualTo((box[0] * video.h() + box[1]) * video.w() + box[2]);
      assertThat(box[3]).isBetween(box[1] + 1, video.h());
      assertThat(box[4]).isBetween(box[2] + 1, video.w());
      for (int y = box[1]; y < box[3]; y++) {
        for (int x = box[2]; x < box[4]; x++) {
          assertThat(merged.owner()[(box[0] * video.h() + y) * video.w() + x]).isEqualTo(i);
        }
      }
    }
    assertThat(merged.retention().achieved()).isEqualTo((double) source.length / video.tokens());
  }
}
