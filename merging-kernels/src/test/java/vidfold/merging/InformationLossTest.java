package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import vidfold.torch.Tensor;

class InformationLossTest {

  private static MergeRig rig;

  @BeforeAll
  static void start() {
    rig = new MergeRig();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  private static double loss(float[] values, int[] owner, float[] survivors) {
    try (Tensor video = rig.torch().floats(values, 3, 1, 2, 2);
        MergedTokens merged =
            new MergedTokens(
                rig.torch().floats(survivors, survivors.length / 2, 2),
                new int[0],
                new int[0],
                new int[0],
                owner,
                new Retention(.5, .5, null))) {
      return rig.mergers().informationLoss(new VideoTokens(video, 3, 1, 2), merged);
    }
  }

  /** Cosines with the owner: 1, 1, 0, .6, 1, -1. */
  @Test
  void shouldBeOneMinusMeanCosine() {
    float[] values = {2, 0, 0, 1, 0, 5, 3, 4, 1, 0, 0, -1};
    int[] owner = {0, 1, 0, 0, 0, 1};
    assertThat(loss(values, owner, new float[] {1, 0, 0, 1})).isCloseTo(1 - 2.6 / 6, within(1e-6));
  }

  /**
   * On the left all of frame 1 and 2 is dropped: frame 0 stands in. On the right nothing is kept in
   * frames 0 and 1: frame 2 stands in for both. Cosines: 1, 1, 1, 0, -1, 1.
   */
  @Test
  void shouldLetNearestFrameStandInForDropped() {
    float[] values = {1, 0, 0, 1, 1, 0, 1, 0, -1, 0, 0, 1};
    int[] owner = {0, -1, -1, -1, -1, 1};
    assertThat(loss(values, owner, new float[] {1, 0, 0, 1})).isCloseTo(1 - 3 / 6.0, within(1e-6));
  }

  @Test
  void shouldCountNothingForPlacesThatAreGone() {
    float[] values = {1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1};
    int[] owner = {0, -1, -1, -1, -1, -1};
    assertThat(loss(values, owner, new float[] {1, 0})).isCloseTo(1 - 3 / 6.0, within(1e-6));
  }
}
