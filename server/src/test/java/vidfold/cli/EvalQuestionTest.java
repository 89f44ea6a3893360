package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvalQuestionTest {

  private static EvalQuestion open(String answer) {
    return new EvalQuestion("a.mp4", "colour", null, "What colour?", List.of(), null, answer);
  }

  private static EvalQuestion choice(String answer) {
    return new EvalQuestion(
        "a.mp4", "colour", null, "What colour?", List.of("red", "blue"), null, answer);
  }

  @ParameterizedTest
  @CsvSource({
    "red, red, true",
    "red, ' Red. ', true",
    "not in the video, Not  in the video, true",
    "red, dark red, false",
    "red, '', false"
  })
  void shouldCompareOpenAnswersWhole(String answer, String given, boolean right) {
    assertThat(open(answer).isRight(given)).isEqualTo(right);
  }

  @ParameterizedTest
  @CsvSource({
    "B, B, true",
    "B, 'B. blue', true",
    "B, The answer is (B), true",
    "B, A, false",
    "B, blue, false",
    "B, '', false"
  })
  void shouldTakeTheFirstLoneLetterOfAChoice(String answer, String given, boolean right) {
    assertThat(choice(answer).isRight(given)).isEqualTo(right);
  }

  @Test
  void shouldWriteTheOptionsBelowTheQuestion() {
    assertThat(choice("A").text()).isEqualTo("What colour?\nA. red\nB. blue");
    assertThat(open("red").text()).isEqualTo("What colour?");
  }

  @Test
  void shouldReadLinesAndIgnoreFurtherFields(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("questions.jsonl");
    Files.writeString(
        file,
        """
        {"video":"a.mp4","family":"shape","question":"Which?","answer":"star","seed":3}

        {"video":"b.mp4","family":"shape","question":"Which?","prompt":"Which? Say.","answer":"star"}
        """);
    List<EvalQuestion> questions = EvalQuestion.read(file);
    assertThat(questions).hasSize(2);
    assertThat(questions.get(1).text()).isEqualTo("Which? Say.");
  }

  @Test
  void shouldNameTheLineThatIsNoQuestion(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("questions.jsonl");
    Files.writeString(file, "{\"video\":\"a.mp4\"}\n");
    assertThatThrownBy(() -> EvalQuestion.read(file))
        .hasMessageContaining("questions.jsonl line 1")
        .hasMessageContaining("family");
    Files.writeString(file, "not json\n");
    assertThatThrownBy(() -> EvalQuestion.read(file)).hasMessageContaining("line 1");
    Files.writeString(file, "\n");
    assertThatThrownBy(() -> EvalQuestion.read(file)).hasMessageContaining("no question");
  }

  @Test
  void shouldGiveSharesPerFamily() {
    EvalScore score = new EvalScore();
    EvalClient.Given given = new EvalClient.Given("red", 100, 50, 10);
    score.add(open("red"), true, given);
    score.add(open("red"), false, given);
    assertThat(score.accuracy()).isEqualTo(0.5);
    assertThat(score.table()).contains("colour", "50.0%", "mean visual tokens 50 of 100");
  }
}
