package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import vidfold.model.QuestionReduction;

/** How a request and a configured per-question reducer meet. */
class QuestionDialsTest {
  private static final QuestionReduction USUAL = new QuestionReduction("ustc", 0.3, 5);

  @Test
  void shouldBeAsConfiguredUnlessTheRequestSaysOtherwise() {
    assertThat(read("{}", USUAL)).isEqualTo(USUAL);
    assertThat(read("{}", null)).isNull();
    assertThat(read("{'question_reducer': 'none'}", USUAL)).isNull();
    assertThat(read("{'question_retention': 0.9}", USUAL))
        .isEqualTo(new QuestionReduction("ustc", 0.9, 5));
    assertThat(read("{'question_reducer': 'ustc', 'question_layer': 7}", USUAL))
        .isEqualTo(new QuestionReduction("ustc", 0.3, 7));
  }

  @Test
  void shouldLeaveAnotherReducerToItsPaper() {
    assertThat(read("{'question_reducer': 'fastv'}", USUAL))
        .isEqualTo(new QuestionReduction("fastv", null, null));
  }

  private static @Nullable QuestionReduction read(String json, @Nullable QuestionReduction usual) {
    byte[] bytes = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return new QuestionDials(JsonBody.read(bytes, AnswerDials.FIELDS), usual).read(2, 28);
  }
}
