package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is odd about the published code shows in {@code reference} and not in {@code strict}. */
class SttmStrictTest {

  private static final SttmOptions REFERENCE = MergeRig.options(false);
  private static final SttmOptions STRICT = MergeRig.options(true);
  private static final double OFF = -1;

  private static MergeRig rig;

  @BeforeAll
  static void start() {
    rig = new MergeRig();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  private static int survivors(Video video, SttmOptions options, double spatial, double temporal) {
    return rig.merge(video, options, spatial, temporal).tokens().count();
  }

  @Test
  void shouldTestTopLeftCellLikeOthers() {
    Video video = Video.random(2, 14, 14, 64, 1);
    assertThat(survivors(video, REFERENCE, .9, OFF)).isEqualTo(2 * 193);
    assertThat(survivors(video, STRICT, .9, OFF)).isEqualTo(2 * 196);
    assertThat(survivors(Video.constant(2, 14, 14, 64), STRICT, .9, OFF)).isEqualTo(2 * 16);
  }

  @Test
  void shouldNotCompareBorderCellsWithCorner() {
    Video colours = Video.random(1, 1, 2, 64, 2);
    Video video = colours.paint(1, 14, 14, (t, y, x) -> y < 2 && x < 2 ? 1 : 0);
    assertThat(survivors(video, REFERENCE, .9, OFF)).isEqualTo(22);
    assertThat(survivors(video, STRICT, .9, OFF)).isEqualTo(16);
  }

  /**
   * One 4 x 4 grid at root level 0 has 2 x 2 roots over 2 x 2 leaves. The top-left quarter is split
   * in frame 0 and whole in frame 1; elsewhere {@code chain} decides whether a long static chain
   * runs on.
   */
  private static int survivorsOfTopLeft(SttmOptions options, boolean chain) {
    int t = 8;
    Random random = new Random(5);
    int c = 64;
    float[] base = new float[c];
    for (int i = 0; i < c; i++) {
      base[i] = (float) random.nextGaussian();
    }
    float[] values = new float[t * 16 * c];
    for (int i = 0; i < t * 16; i++) {
      int y = i % 16 / 4;
      int x = i % 4;
      boolean quarter = y < 2 && x < 2;
      boolean still = chain && y >= 2 && x >= 2;
      for (int k = 0; k < c; k++) {
        double own = 1.2 * random.nextGaussian();
        double value = quarter && i < 16 ? base[k] + own : 4 * own;
        if (quarter && i / 16 == 1) {
          value = base[k];
        } else if (still) {
          value = base[c - 1 - k];
        }
        values[i * c + k] = (float) value;
      }
    }
    Video video = new Video(values, t, 4, 4, c);
    SttmOptions rooted = new SttmOptions(options.strict(), 0, false);
    MergedTokens merged = rig.merge(video, rooted, .9, .4).tokens();
    int count = 0;
    for (int i = 0; i < merged.count(); i++) {
      if (merged.boxes()[5 * i] == 0
          && merged.boxes()[5 * i + 1] < 2
          && merged.boxes()[5 * i + 2] < 2) {
        count++;
      }
    }
    return count;
  }

  @Test
  void shouldNotLetOneRegionChangeAnother() {
    assertThat(survivorsOfTopLeft(REFERENCE, false)).isEqualTo(4);
    assertThat(survivorsOfTopLeft(REFERENCE, true)).isEqualTo(1);
    assertThat(survivorsOfTopLeft(STRICT, false)).isEqualTo(4);
    assertThat(survivorsOfTopLeft(STRICT, true)).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldWeighByPatchesOnGridsWithOneOddSide(boolean strict) {
    SttmOptions options = new SttmOptions(strict, 1, true);
    Video video = Video.random(1, 8, 23, 16, 3);
    MergeRig.Outcome outcome = rig.merge(video, options, -1, OFF);
    int[] patches = outcome.tokens().patchCount();
    for (int k = 0; k < 16; k++) {
      double sum = 0;
      double kept = 0;
      for (int i = 0; i < video.tokens(); i++) {
        sum += video.values()[i * 16 + k];
      }
      for (int i = 0; i < patches.length; i++) {
        kept += patches[i] * (double) outcome.values()[i * 16 + k];
      }
      assertThat(kept).isCloseTo(sum, within(1e-3));
    }
    assertThat(patches).hasSize(strict ? 2 * 6 : 4 * 12);
  }

  @ParameterizedTest
  @CsvSource({"4,40,10", "2,40,20", "1,40,20", "40,1,20", "2,9,5", "1,5,3", "1,1,1", "2,2,4"})
  void shouldGrowTreesOnThinGrids(int h, int w, int roots) {
    assertThat(survivors(Video.constant(3, h, w, 8), STRICT, .9, OFF)).isEqualTo(3 * roots);
    assertThat(survivors(Video.random(3, h, w, 64, 4), STRICT, .9, OFF)).isEqualTo(3 * h * w);
  }

  @Test
  void shouldLeaveThinGridWithoutTreeInReference() {
    assertThat(survivors(Video.constant(1, 4, 40, 8), REFERENCE, .9, OFF)).isEqualTo(160);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldAverageLongChainsOfBf16Exactly(boolean strict) {
    Video still = Video.random(1, 2, 2, 64, 6);
    Video video = rig.throughBf16(still.paint(128, 2, 2, (t, y, x) -> y * 2 + x));
    SttmOptions options = MergeRig.options(strict);
    TokenMerger merger = rig.mergers().create(MergeRig.at(options, 2, .99), options);
    MergeRig.Outcome outcome = rig.mergeBf16(video, merger);

    assertThat(outcome.tokens().patchCount()).containsExactly(128, 128, 128, 128);
    assertThat(outcome.values()).isEqualTo(rig.throughBf16(still).values());
  }
}
