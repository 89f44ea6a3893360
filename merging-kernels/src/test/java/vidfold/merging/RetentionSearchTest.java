package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.merging.MergeSpec.Thresholds;

class RetentionSearchTest {

  /** Whole, and with a dip: more survivors at a lower threshold, as sometimes happens. */
  private static int survivors(Thresholds at) {
    int rising = (int) Math.round(5000 * Math.max(0, at.spatial() + 1));
    return at.spatial() > 0.81 && at.spatial() < 0.82 ? rising - 900 : rising;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 2500, 4999, 8000, 9020, 9060, 9100, 9999})
  void shouldFindTheSameHoweverFarItLooksAhead(int wanted) {
    List<Thresholds> tried = new ArrayList<>();
    Thresholds plain =
        RetentionSearch.find(
            wanted,
            1,
            asked -> {
              tried.addAll(asked);
              return asked.stream().mapToInt(RetentionSearchTest::survivors).toArray();
            });
    for (int ahead = 2; ahead < 7; ahead++) {
      int[] calls = new int[1];
      Thresholds found =
          RetentionSearch.find(
              wanted,
              ahead,
              asked -> {
                calls[0]++;
                return asked.stream().mapToInt(RetentionSearchTest::survivors).toArray();
              });
      assertThat(found).isEqualTo(plain);
      assertThat(calls[0]).isEqualTo(1 + (Math.max(1, tried.size() - 1) - 1) / ahead);
    }
    assertThat(survivors(plain)).isGreaterThanOrEqualTo(wanted);
  }
}
