package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PositionRuleTest {

  private static final VisualGrid GRID = new VisualGrid(2, 2, 3);
  private static final long[] STEPS = {0, 1};
  private static final int[] SURVIVORS = {0, 4, 9};

  @Test
  void shouldNumberWithoutGapsBeforeAndAfterMerging() {
    PositionRule rule = PositionRule.CONTIGUOUS;
    Positions all = prefix(rule, GRID.tokens() + 1);
    assertThat(all.t()).containsExactly(count(3 + 12 + 1 + 2));
    Positions merged = rule.merged(all, 3, GRID.tokens(), SURVIVORS);
    assertThat(merged.t()).containsExactly(count(3 + 3 + 1 + 2));
    assertThat(rule.next(all, merged)).isEqualTo(9);
    assertThat(all.next()).isEqualTo(18);
  }

  @Test
  void shouldKeepTheIdsOfSurvivorsAndOfTheTextAfterThem() {
    PositionRule rule = PositionRule.MROPE;
    Positions all = prefix(rule, GRID.tokens());
    Positions merged = rule.merged(all, 3, GRID.tokens(), SURVIVORS);
    assertThat(merged.t()).containsExactly(0, 1, 2, 3, 3, 4, 6, 7);
    assertThat(merged.h()).containsExactly(0, 1, 2, 3, 4, 4, 6, 7);
    assertThat(merged.w()).containsExactly(0, 1, 2, 3, 4, 3, 6, 7);
    assertThat(rule.next(all, merged)).isEqualTo(8);
  }

  @Test
  void shouldGoOnAfterTheTimeOfTheLastStep() {
    PositionRule rule = PositionRule.MROPE;
    Positions all = prefix(rule, new long[] {0, 10}, GRID.tokens());
    Positions merged = rule.merged(all, 3, GRID.tokens(), SURVIVORS);
    assertThat(merged.t()).containsExactly(0, 1, 2, 3, 3, 13, 14, 15);
    assertThat(merged.h()).containsExactly(0, 1, 2, 3, 4, 4, 14, 15);
    assertThat(rule.next(all, merged)).isEqualTo(16);
  }

  @Test
  void shouldHaveNoMropeIdsForTokensThatAreNotOfTheGrid() {
    assertThatThrownBy(() -> PositionRule.MROPE.video(0, GRID, STEPS, GRID.tokens() + 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("outside the grid");
  }

  private static Positions prefix(PositionRule rule, int rows) {
    return prefix(rule, STEPS, rows);
  }

  private static Positions prefix(PositionRule rule, long[] stepIds, int rows) {
    Positions head = Positions.text(0, 3).then(rule.video(3, GRID, stepIds, rows));
    return head.then(Positions.text(head.next(), 2));
  }

  private static long[] count(int n) {
    return Positions.text(0, n).t();
  }
}
