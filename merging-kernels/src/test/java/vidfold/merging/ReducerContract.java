package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every reducer promises; a subclass names one and writes it down slowly. */
abstract class ReducerContract {

  private static final int C = 12;

  static MergeRig rig;

  @BeforeAll
  static void start() {
    rig = new MergeRig();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  abstract String reducer();

  /** The plain twin; {@code used} says which thresholds the kernel's search chose. */
  abstract PlainSttm.Result twin(Video video, MergeSpec spec, Retention used);

  /** Whether the published order, which {@code reference} keeps, is that of the video. */
  boolean ascending(String mode) {
    return true;
  }

  /** Whether every token is part of a survivor. */
  boolean keepsAll() {
    return true;
  }

  /**
   * The smallest standard retention at which a constant video of five 4 x 5 frames loses nothing.
   */
  double stillStep() {
    return .15;
  }

  static int wanted(Video video, MergeSpec spec) {
    return Math.max(1, (int) Math.round(spec.retention() * video.tokens()));
  }

  final MergeRig.Outcome merge(Video video, String mode, double retention) {
    return rig.merge(video, rig.mergers().create(MergeSpec.of(reducer(), mode, retention)));
  }

  @Test
  void shouldBeNamedAndAgnostic() {
    TokenMerger merger = rig.mergers().create(MergeSpec.of(reducer(), "strict", .5));
    assertThat(merger.name()).isEqualTo(reducer());
    assertThat(merger.queryAgnostic()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldHitFiftyRandomBudgets(String mode) {
    Random random = new Random(17);
    for (int i = 0; i < 50; i++) {
      int t = 1 + random.nextInt(10);
      int h = 1 + random.nextInt(12);
      int w = 1 + random.nextInt(12);
      double retention = i % 5 == 0 ? .05 * random.nextDouble() + .001 : random.nextDouble();
      Video video =
          i % 2 == 0 ? Video.scene(t, h, w, C, 100 + i) : Video.random(t, h, w, C, 200 + i);
      check(video, mode, retention, merge(video, mode, retention));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldEqualTwin(String mode) {
    int[][] grids = {
      {6, 5, 7}, {1, 9, 8}, {2, 1, 11}, {5, 4, 4}, {9, 3, 3}, {4, 2, 9}, {13, 2, 2}, {8, 6, 6}
    };
    Random random = new Random(23);
    for (int i = 0; i < 3 * grids.length; i++) {
      int[] grid = grids[i % grids.length];
      Video video = Video.scene(grid[0], grid[1], grid[2], C, 300 + i);
      MergeSpec spec = MergeSpec.of(reducer(), mode, .02 + .96 * random.nextDouble());
      MergeRig.Outcome outcome = rig.merge(video, rig.mergers().create(spec));
      compare(outcome, twin(video, spec, outcome.tokens().retention()));
    }
  }

  static void compare(MergeRig.Outcome outcome, PlainSttm.Result twin) {
    assertThat(outcome.tokens().sourceIndex()).isEqualTo(twin.sourceIndex());
    assertThat(outcome.tokens().owner()).isEqualTo(twin.owner());
    assertThat(outcome.tokens().boxes()).isEqualTo(twin.boxes());
    assertThat(outcome.tokens().patchCount()).isEqualTo(twin.patchCount());
    int c = outcome.values().length / twin.values().length;
    for (int i = 0; i < outcome.values().length; i++) {
      assertThat((double) outcome.values()[i]).isCloseTo(twin.values()[i / c][i % c], within(1e-4));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldPassEverythingAtRetentionOne(String mode) {
    Video video = Video.scene(3, 5, 6, C, 5);
    MergeRig.Outcome outcome = merge(video, mode, 1);
    assertThat(outcome.values()).isEqualTo(video.values());
    assertThat(outcome.tokens().owner()).isEqualTo(outcome.tokens().sourceIndex());
    assertThat(outcome.tokens().retention()).isEqualTo(new Retention(1.0, 1.0, null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldTakeThinAndShortVideos(String mode) {
    int[][] grids = {{1, 1, 1}, {1, 1, 9}, {4, 1, 9}, {5, 2, 7}, {4, 9, 1}, {9, 1, 1}, {1, 14, 14}};
    for (int[] grid : grids) {
      for (double retention : new double[] {.01, .3, .5, .8}) {
        Video video = Video.random(grid[0], grid[1], grid[2], C, 6);
        check(video, mode, retention, merge(video, mode, retention));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldKeepTheOneValueOfConstantVideos(String mode) {
    Video video = Video.constant(5, 6, 7, C);
    Video still = new Video(new float[5 * 42 * C], 5, 6, 7, C);
    for (double retention : new double[] {.02, .25, .6}) {
      MergeRig.Outcome outcome = merge(video, mode, retention);
      check(video, mode, retention, outcome);
      for (int i = 0; i < outcome.values().length; i++) {
        assertThat(outcome.values()[i]).isCloseTo(video.values()[i % C], within(1e-5f));
      }
      check(still, mode, retention, merge(still, mode, retention));
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void shouldNameTokenThatIsNotFinite(float bad) {
    for (double retention : new double[] {.5, 1}) {
      Video video = Video.random(3, 4, 5, C, 8);
      video.values()[(2 * 20 + 7) * C + 3] = bad;
      assertThatThrownBy(() -> merge(video, "strict", retention))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "tokens must be finite but token 47 (frame 2, row 1, column 2) holds NaN or infinity");
    }
  }

  /**
   * Constant videos lose nothing at the smallest step, random ones too much at any but the last.
   */
  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldChooseRetentionByLoss(String mode) {
    TokenMerger merger = rig.mergers().create(MergeSpec.auto(reducer(), mode));
    assertThat(merger.name()).isEqualTo(reducer());
    MergedTokens still = rig.merge(Video.constant(5, 4, 5, C), merger).tokens();
    assertThat(still.retention().asked()).isEqualTo(stillStep());
    assertThat(still.retention().achieved()).isEqualTo(stillStep());
    MergedTokens noise = rig.merge(Video.random(5, 4, 5, 64, 12), merger).tokens();
    assertThat(noise.retention().asked()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldRepeatBitByBit(String mode) {
    Video video = Video.scene(6, 8, 9, C, 9);
    MergeRig.Outcome first = merge(video, mode, .3);
    for (int i = 0; i < 3; i++) {
      assertThat(merge(video, mode, .3).values()).isEqualTo(first.values());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "strict"})
  void shouldTakeBf16(String mode) {
    Video video = rig.throughBf16(Video.scene(6, 8, 9, C, 10));
    TokenMerger merger = rig.mergers().create(MergeSpec.of(reducer(), mode, .4));
    MergeRig.Outcome full = rig.merge(video, merger);
    MergeRig.Outcome half = rig.mergeBf16(video, merger);
    assertThat(half.tokens().owner()).isEqualTo(full.tokens().owner());
    Video rounded = new Video(full.values(), 1, 1, full.tokens().count(), C);
    assertThat(half.values()).isEqualTo(rig.throughBf16(rounded).values());
  }

  private void check(Video video, String mode, double retention, MergeRig.Outcome outcome) {
    MergedTokens merged = outcome.tokens();
    int[] source = merged.sourceIndex();
    int[] owner = merged.owner();
    assertThat(merged.count())
        .isEqualTo(Math.max(1, (int) Math.round(retention * video.tokens())))
        .isEqualTo(source.length);
    assertThat(merged.retention().asked()).isEqualTo(retention);
    assertThat(merged.retention().achieved()).isEqualTo((double) source.length / video.tokens());
    assertThat(owner).hasSize(video.tokens());
    int[] held = new int[source.length];
    for (int survivor : owner) {
      assertThat(survivor).isBetween(keepsAll() ? 0 : -1, source.length - 1);
      if (survivor >= 0) {
        held[survivor]++;
      }
    }
    assertThat(held).isEqualTo(merged.patchCount());
    int[] sorted = source.clone();
    Arrays.sort(sorted);
    assertThat(sorted).doesNotHaveDuplicates();
    if (ascending(mode)) {
      assertThat(source).isEqualTo(sorted);
    }
    for (int i = 0; i < source.length; i++) {
      assertThat(owner[source[i]]).isEqualTo(i);
      checkBox(video, merged, i);
    }
    for (float value : outcome.values()) {
      assertThat(value).isFinite();
    }
  }

  private static void checkBox(Video video, MergedTokens merged, int i) {
    int[] box = Arrays.copyOfRange(merged.boxes(), 5 * i, 5 * i + 5);
    assertThat(merged.sourceIndex()[i])
        .isEqualTo((box[0] * video.h() + box[1]) * video.w() + box[2]);
    for (int y = box[1]; y < box[3]; y++) {
      for (int x = box[2]; x < box[4]; x++) {
        assertThat(merged.owner()[(box[0] * video.h() + y) * video.w() + x]).isEqualTo(i);
      }
    }
    assertThat(List.of(box[3] > box[1], box[4] > box[2])).containsOnly(true);
  }
}
