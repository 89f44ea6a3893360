package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.torch.Tensor;

class SttmMergerTest {

  private static MergeRig rig;

  @BeforeAll
  static void start() {
    rig = new MergeRig();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  /** A scene in which every token differs, so that nearly every retention can be met. */
  private static Video textured() {
    return Video.scene(8, 14, 14, 48, 11);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldSearchToJustAboveRetention(String mode) {
    Video video = textured();
    for (double asked : new double[] {.1, .2, .3, .4, .5, .6, .7, .8, .9}) {
      MergedTokens merged =
          rig.merge(video, rig.mergers().create(MergeSpec.sttm(mode, asked))).tokens();
      Retention retention = merged.retention();
      assertThat(merged.count()).isEqualTo(Math.round(asked * video.tokens()));
      assertThat(retention.asked()).isEqualTo(asked);
      assertThat(retention.achieved()).isEqualTo((double) merged.count() / video.tokens());

      MergeSpec again = new MergeSpec("sttm", mode, null, retention.thresholds());
      MergedTokens untrimmed = rig.merge(video, rig.mergers().create(again)).tokens();
      assertThat(untrimmed.retention().achieved()).isBetween(asked - .001, asked + .03);
      assertThat(untrimmed.retention().asked()).isNull();
    }
  }

  @Test
  void shouldTrimFarBelowRoots() {
    Video video = Video.random(2, 14, 14, 32, 3);
    MergeSpec spec = MergeSpec.sttm("strict", .001);
    MergedTokens merged = rig.merge(video, rig.mergers().create(spec)).tokens();
    assertThat(merged.patchCount()).containsExactly(392);
    assertThat(merged.retention().thresholds().spatial()).isEqualTo(-1);
  }

  @Test
  void shouldMergeStaticVideoToOneFrame() {
    Video video = Video.random(1, 1, 4, 32, 3).paint(16, 2, 2, (t, y, x) -> y * 2 + x);
    MergeRig.Outcome outcome = rig.merge(video, MergeRig.options(false), .8, .5);
    assertThat(outcome.tokens().patchCount()).containsExactly(16, 16, 16, 16);
  }

  @Test
  void shouldKeepEverythingAtRetentionOne() {
    Video video = textured();
    MergeRig.Outcome outcome = rig.merge(video, rig.mergers().create(MergeSpec.sttm("strict", 1)));
    assertThat(outcome.values()).isEqualTo(video.values());
    assertThat(outcome.tokens().retention()).isEqualTo(new Retention(1.0, 1.0, null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldRepeatBitByBit(String mode) {
    Video video = textured();
    TokenMerger merger = rig.mergers().create(MergeSpec.sttm(mode, .4));
    MergeRig.Outcome first = rig.merge(video, merger);
    for (int i = 0; i < 5; i++) {
      assertThat(rig.merge(video, merger).values()).isEqualTo(first.values());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldTakeBf16(String mode) {
    Video video = rig.throughBf16(textured());
    TokenMerger merger = rig.mergers().create(MergeSpec.sttm(mode, .4));
    MergeRig.Outcome full = rig.merge(video, merger);
    MergeRig.Outcome half = rig.mergeBf16(video, merger);
    assertThat(half.tokens().owner()).isEqualTo(full.tokens().owner());
    assertThat(half.values())
        .isEqualTo(
            rig.throughBf16(new Video(full.values(), 1, 1, full.tokens().count(), 48)).values());
  }

  /** A table of all pairs of nodes of two frames would take more memory than there is. */
  @Test
  void shouldMergeHundredThousandTokens() {
    Video video = Video.random(128, 20, 40, 4, 9);
    MergedTokens merged = rig.merge(video, MergeRig.options(false), .9, .8).tokens();
    assertThat(java.util.Arrays.stream(merged.patchCount()).sum()).isEqualTo(102_400);
    assertThat(merged.count()).isBetween(50_000, 102_000);
  }

  @Test
  void shouldTakeRowsAsWellAsGrids() {
    Video video = textured();
    TokenMerger merger = rig.mergers().create(MergeSpec.sttm("reference", .4));
    MergeRig.Outcome grid = rig.merge(video, merger);
    try (Tensor rows = rig.torch().floats(video.values(), video.tokens(), video.c());
        MergedTokens merged =
            merger.merge(new VideoTokens(rows, video.t(), video.h(), video.w()))) {
      assertThat(merged.values().toFloats()).isEqualTo(grid.values());
    }
  }

  @Test
  void shouldGiveZeroTokensNoSimilarity() {
    Video video = new Video(new float[3 * 14 * 14 * 8], 3, 14, 14, 8);
    MergeRig.Outcome outcome = rig.merge(video, MergeRig.options(true), .5, .5);
    assertThat(outcome.tokens().count()).isEqualTo(video.tokens());
    assertThat(outcome.values()).containsOnly(0f);
  }

  @Test
  void shouldKeepEverythingWithNone() {
    Video video = textured();
    TokenMerger none = rig.mergers().create(MergeSpec.none());
    assertThat(none.name()).isEqualTo("none");
    assertThat(none.queryAgnostic()).isTrue();
    MergeRig.Outcome outcome = rig.merge(video, none);
    assertThat(outcome.values()).isEqualTo(video.values());
    assertThat(outcome.tokens().owner()).isEqualTo(outcome.tokens().sourceIndex());
    assertThat(outcome.tokens().boxes()).startsWith(0, 0, 0, 1, 1, 0, 0, 1, 1, 2);
    assertThat(outcome.tokens().boxes()).endsWith(7, 13, 13, 14, 14);
  }

  @Test
  void shouldLeaveItsOwnValuesWhenInputCloses() {
    MergedTokens merged;
    try (Tensor values = rig.torch().floats(new float[] {1, 2, 3, 4}, 1, 1, 2, 2)) {
      merged = rig.mergers().create(MergeSpec.none()).merge(new VideoTokens(values, 1, 1, 2));
    }
    try (merged) {
      assertThat(merged.values().toFloats()).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void shouldNameWrongShapesAndValues() {
    try (Tensor values = rig.torch().floats(new float[24], 2, 3, 4)) {
      assertThatThrownBy(() -> new VideoTokens(values, 2, 3, 4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("tokens must be [2, 3, 4, C] or [24, C] but were [2, 3, 4]");
      assertThatThrownBy(() -> new VideoTokens(values, 0, 3, 4))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("at least 1 but were 0, 3 and 4");
    }
    assertThatThrownBy(() -> MergeSpec.sttm("reference", 1.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("retention must be in (0, 1] but was 1.5");
    assertThatThrownBy(() -> MergeSpec.sttm("loose", .5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mode must be one of [reference, strict] but was 'loose'");
    assertThatThrownBy(() -> MergeSpec.of("fast", "strict", .5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("reducer must be one of [none, sttm, temporal, octree, ustc, tome,")
        .hasMessageEndingWith("but was 'fast'");
    MergeSpec.Thresholds thresholds = new MergeSpec.Thresholds(.8, .6);
    assertThatThrownBy(() -> new MergeSpec("sttm", "strict", .5, thresholds))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("reducer 'sttm' takes one of retention and thresholds but found both");
    assertThatThrownBy(() -> new MergeSpec("tome", "strict", null, thresholds))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("reducer 'tome' takes a retention and no thresholds");
    assertThatThrownBy(() -> new SttmOptions(true, -1, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-1");
  }

  @Test
  void shouldPassThroughPublishedThresholds() {
    assertThat(RetentionSearch.at(1)).isEqualTo(new MergeSpec.Thresholds(.80, .55));
    MergeSpec.Thresholds half = RetentionSearch.at(2);
    assertThat(half.spatial()).isCloseTo(.85, within(1e-12));
    assertThat(half.temporal()).isCloseTo(.60, within(1e-12));
    assertThat(RetentionSearch.at(3).spatial()).isGreaterThan(1);
    assertThat(RetentionSearch.at(0).temporal()).isPositive();
  }
}
