package vidfold.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameSamplerTest {

  @ParameterizedTest
  @CsvSource({
    "300, 30, 1, 1",
    "300, 30, 1, 2",
    "301, 30, 1, 1",
    "1, 30, 1, 1",
    "2, 30, 1, 1",
    "1000, 30000, 1001, 1",
    "5000, 30000, 1001, 2",
    "5000, 24000, 1001, 1",
    "5000, 24000, 1001, 0.5",
    "240, 60, 1, 2",
    "125, 25, 1, 3",
    "100, 25, 2, 4",
    "10, 1, 1, 2",
    "7, 1, 2, 1"
  })
  void shouldGiveTheIndicesOfThePublishedRuleAtConstantRates(
      int frames, int num, int den, double rate) {
    FrameTimes times = FrameTimes.constantRate(frames, num, den);

    assertThat(sample(times, rate).indices()).containsExactly(published(frames, num, den, rate));
  }

  @ParameterizedTest
  @CsvSource({
    "300, 30, 1, 1",
    "300, 30, 1, 3",
    "1000, 30000, 1001, 1",
    "2000, 24000, 1001, 2",
    "900, 60, 1, 6"
  })
  void shouldGiveTheSameIndicesWhenTheContainerRoundsToMilliseconds(
      int frames, int num, int den, double rate) {
    long[] ticks =
        IntStream.range(0, frames).mapToLong(i -> Math.round(i * 1000.0 * den / num)).toArray();

    assertThat(
            sample(new FrameTimes(ticks, 1, 1000).withNominalRate((double) num / den), rate)
                .indices())
        .containsExactly(published(frames, num, den, rate));
  }

  @Test
  void shouldTakeElevenFramesOfTenSecondsAtThirty() {
    assertThat(sample(FrameTimes.constantRate(300, 30, 1), 1).indices())
        .containsExactly(0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 299);
  }

  @Test
  void shouldSpreadEvenlyAboveTheCap() {
    SampledFrames frames =
        FrameSampler.sample(FrameTimes.constantRate(300, 30, 1), new FrameRule(1, 8, 1, false));

    assertThat(frames.indices()).containsExactly(0, 42, 85, 128, 170, 213, 256, 299);
  }

  @Test
  void shouldTakeTheOnlyFrameWhenTheCapIsOne() {
    SampledFrames frames =
        FrameSampler.sample(FrameTimes.constantRate(300, 30, 1), new FrameRule(1, 1, 1, false));

    assertThat(frames.indices()).containsExactly(0);
  }

  @Test
  void shouldReachTheMinimumAsFarAsThereAreFrames() {
    FrameRule rule = new FrameRule(1, 8, 4, false);

    assertThat(FrameSampler.sample(FrameTimes.constantRate(30, 30, 1), rule).indices())
        .containsExactly(0, 9, 19, 29);
    assertThat(FrameSampler.sample(FrameTimes.constantRate(3, 30, 1), rule).indices())
        .containsExactly(0, 1, 2);
  }

  @Test
  void shouldRepeatTheLastFrameForAnEvenCount() {
    FrameRule rule = new FrameRule(1, 8, 1, true);

    assertThat(FrameSampler.sample(FrameTimes.constantRate(61, 30, 1), rule).indices())
        .containsExactly(0, 30, 60, 60);
    assertThat(FrameSampler.sample(FrameTimes.constantRate(1, 30, 1), rule).indices())
        .containsExactly(0, 0);
  }

  @Test
  void shouldFollowPresentationTimesAtAVariableRate() {
    FrameTimes times = new FrameTimes(new long[] {500, 700, 1400, 1600, 2499, 2501, 3100}, 1, 1000);

    SampledFrames frames = sample(times, 1);

    assertThat(frames.indices()).containsExactly(0, 3, 5, 6);
    assertThat(frames.seconds(2)).isEqualTo(2.501);
  }

  @Test
  void shouldRejectRulesThatCannotBeMet() {
    assertThatThrownBy(() -> new FrameRule(0, 8, 1, false)).hasMessageContaining("framesPerSecond");
    assertThatThrownBy(() -> new FrameRule(1, 2, 3, false)).hasMessageContaining("minFrames");
    assertThatThrownBy(() -> new FrameRule(1, 7, 1, true)).hasMessageContaining("even");
  }

  private static SampledFrames sample(FrameTimes times, double rate) {
    return FrameSampler.sample(times, new FrameRule(rate, 100_000, 1, false));
  }

  /** The rule of the evaluation scripts, by index; in whole numbers as far as possible. */
  private static int[] published(int frames, int num, int den, double rate) {
    double step = num / (den * rate);
    List<Integer> indices = new ArrayList<>();
    for (int k = 0; k < (int) Math.ceil((frames - 1) / step); k++) {
      indices.add((int) Math.ceil(k * step - 1e-9));
    }
    if (indices.isEmpty() || indices.get(indices.size() - 1) != frames - 1) {
      indices.add(frames - 1);
    }
    return indices.stream().mapToInt(i -> i).toArray();
  }
}
