package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuadtreeTest {

  private static Quadtree tree(int h, int w, boolean strict, int root) {
    return new Quadtree(h, w, new SttmOptions(strict, root, false));
  }

  private static List<Integer> cells(Quadtree tree) {
    List<Integer> out = new ArrayList<>();
    for (int level = 0; level < tree.levels(); level++) {
      out.add(tree.cells(level));
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource({"14,14", "7,7", "8,8", "20,36", "13,23", "9,16", "6,6", "3,3", "4,4", "2,2", "1,1"})
  void shouldGiveOrdinaryGridsThePublishedLevelsInStrict(int h, int w) {
    for (int root = 0; root < 5; root++) {
      assertThat(cells(tree(h, w, true, root))).isEqualTo(cells(tree(h, w, false, root)));
    }
  }

  @Test
  void shouldHalveAsThePaperDoes() {
    assertThat(cells(tree(14, 14, false, 0))).containsExactly(4, 16, 49, 196);
    assertThat(cells(tree(14, 14, false, 1))).containsExactly(16, 49, 196);
    assertThat(cells(tree(20, 36, false, 1))).containsExactly(15, 45, 180, 720);
    assertThat(cells(tree(4, 40, false, 1))).containsExactly(160);
    assertThat(cells(tree(4, 40, true, 1))).containsExactly(10, 40, 160);
    assertThat(cells(tree(7, 1, false, 1))).containsExactly(7);
    assertThat(cells(tree(14, 14, true, 9))).containsExactly(196);
  }

  @Test
  void shouldLeaveFirstRowAndColumnAloneOnOddSides() {
    Quadtree tree = tree(14, 14, false, 1);
    assertThat(tree.box(0, 0)).containsExactly(0, 0, 2, 2);
    assertThat(tree.box(0, 2)).containsExactly(0, 2, 2, 6);
    assertThat(tree.box(0, 6 * 14 + 1)).containsExactly(6, 0, 10, 2);
    assertThat(tree.box(0, 13 * 14 + 13)).containsExactly(10, 10, 14, 14);
    assertThat(tree.box(2, 15)).containsExactly(1, 1, 2, 2);
    assertThat(tree.cellsWithChildren(0, 1, 1)).containsExactly(0);
    assertThat(tree.cellsWithChildren(0, 1, 3)).containsExactly(0, 1, 2, 3, 4, 8, 12);
    assertThat(tree.cellsWithChildren(1, 1, 3)).isEmpty();
  }

  @Test
  void shouldShareCellsEvenlyAmongChildren() {
    float[] shares = tree(14, 14, false, 1).shareTable(false);
    assertThat(shares[0]).isEqualTo(1 / 4f);
    assertThat(shares[2]).isEqualTo(1 / 8f);
    assertThat(shares[13 * 14 + 13]).isEqualTo(1 / 16f);
    assertThat(shares[2 * 196]).isEqualTo(1f);
    assertThat(tree(14, 14, false, 1).shareTable(true)).containsOnly(1f);
  }
}
