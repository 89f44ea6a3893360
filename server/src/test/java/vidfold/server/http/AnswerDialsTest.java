package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.merging.MergeSpec;
import vidfold.model.PrefixSpec;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.server.engine.Question;

/** Where a request's reducer runs: the model's own layer is 2. */
class AnswerDialsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "ustc | 0 | {} | 0",
        "ustc | 0 | {'reducer': 'sttm'} | 2",
        "ustc | 0 | {'retention': 0.5} | 2",
        "ustc | 1 | {'reducer': 'sttm'} | 1",
        "sttm | 2 | {'reducer': 'ustc'} | 0",
        "sttm | 0 | {'reducer': 'tome'} | 0",
        "sttm | 3 | {'retention': 0.5} | 3",
        "sttm | 3 | {'retention': 0.05} | 0",
        "sttm | 3 | {'retention': 0.05, 'merge_layer': 1} | 1"
      })
  void shouldChooseTheLayerForTheReducer(String usual, int layer, String json, int expected) {
    Question.Options defaults =
        new Question.Options(
            new PrefixSpec(MergeSpec.of(usual, "reference", 0.05), layer),
            new SamplingRule(2, 2, 64, true),
            SamplingParams.greedy(),
            32,
            null,
            /* reducerNamed= */ false);
    byte[] body = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    Question.Options asked =
        AnswerDials.read(JsonBody.read(body, AnswerDials.FIELDS), defaults, TestServer.MODEL);
    assertThat(asked.prefix().mergeLayer()).isEqualTo(expected);
    assertThat(asked.reducerNamed()).isFalse();
  }
}
