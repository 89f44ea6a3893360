package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuestionReductionTest {

  /** The papers' layers in a model of 28, above a merge at layer 2, and in one of six. */
  @ParameterizedTest
  @CsvSource({
    "fastv, 0, 28, 2, 0.5",
    "fastv, 2, 28, 3, 0.5",
    "fastv, 2, 6, 3, 0.5",
    "ustc, 0, 28, 18, 0.5",
    "ustc, 20, 28, 21, 0.5",
    "ustc, 2, 6, 4, 0.5",
    "ustc, 0, 80, 51, 0.5",
    "dycoke, 0, 28, 3, 0.2",
    "dycoke, 2, 28, 3, 0.2",
    "dycoke, 0, 2, 1, 0.2",
    "framefusion, 0, 4, 1, 0.625",
    "framefusion, 2, 6, 3, 0.75"
  })
  void shouldChooseAsItsPaperDoes(
      String name, int mergeLayer, int layers, int layer, double retention) {
    assertThat(new QuestionReduction(name, null, null).in(mergeLayer, layers))
        .isEqualTo(new QuestionReducer(name, retention, layer, layers));
  }

  @Test
  void shouldTakeWhatIsAsked() {
    assertThat(new QuestionReduction("fastv", 0.1, 9).in(2, 28))
        .isEqualTo(new QuestionReducer("fastv", 0.1, 9, 28));
  }

  @ParameterizedTest
  @CsvSource({"fastv, 0.25, 10, 3", "ustc, 0.5, 7, 4", "dycoke, 0.01, 10, 1", "fastv, 1, 9, 9"})
  void shouldKeepTheRoundedShareAndAtLeastOne(String name, double share, int visual, int kept) {
    assertThat(new QuestionReducer(name, share, 3, 28).kept(visual)).isEqualTo(kept);
  }

  /**
   * 28 layers at a cost of 0.5 are worth 14 whole layers. Three of them see everything, so 11 are
   * left for the other 25: 0.44 of 100 tokens. In a model of 80 layers it is (40 - 3) / 77 = 0.48.
   */
  @Test
  void shouldSpendFrameFusionsBudgetOverAllLayersOfTheModel() {
    assertThat(new QuestionReducer("framefusion", 0.5, 3, 28).kept(100)).isEqualTo(44);
    assertThat(new QuestionReducer("framefusion", 0.5, 3, 80).kept(100)).isEqualTo(48);
    assertThat(new QuestionReducer("framefusion", 1, 3, 28).kept(100)).isEqualTo(100);
  }

  @Test
  void shouldSayWhatWasExpected() {
    assertThatThrownBy(() -> new QuestionReduction("magic", null, null))
        .hasMessage(
            "question reducer must be one of [fastv, ustc, dycoke, framefusion] but was 'magic'");
    assertThatThrownBy(() -> new QuestionReduction("fastv", 0.0, null))
        .hasMessage("question retention must be in (0, 1] but was 0.0");
    assertThatThrownBy(() -> new QuestionReduction("fastv", Double.NaN, null))
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> new QuestionReduction("fastv", null, 2).in(2, 28))
        .hasMessage("question layer must be in [3, 27] but was 2");
    assertThatThrownBy(() -> new QuestionReduction("fastv", null, 28).in(2, 28))
        .hasMessage("question layer must be in [3, 27] but was 28");
    assertThatThrownBy(() -> new QuestionReduction("ustc", null, null).in(5, 6))
        .hasMessageContaining("a decoder layer above the merge layer, which is 5 of 6");
    assertThatThrownBy(() -> new QuestionReduction("framefusion", 0.5, null).in(2, 6))
        .hasMessageContaining("it must be in (0.500, 1] but was 0.5");
  }
}
