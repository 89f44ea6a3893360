package vidfold.cli;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One line of a {@code questions.jsonl} file.
 *
 * @param video file name beside the questions file
 * @param family what the question tests; figures are given per family
 * @param part an optional second grouping, such as easy and hard
 * @param question the question as people say it
 * @param choices options of a multiple choice, empty for an open question
 * @param prompt the exact text of the user's turn; null is the question and its options
 * @param answer the right answer; for a multiple choice its letter
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record EvalQuestion(
    String video,
    String family,
    @Nullable String part,
    String question,
    @Nullable List<String> choices,
    @Nullable String prompt,
    String answer) {

  private static final Pattern LETTER = Pattern.compile("(?<![A-Za-z])([A-Z])(?![A-Za-z])");

  /** Reads a file; an unreadable line is an error that names it. */
  static List<EvalQuestion> read(Path file) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<EvalQuestion> questions = new ArrayList<>();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      EvalQuestion question;
      try {
        question = json.readValue(line, EvalQuestion.class);
      } catch (IOException e) {
        throw new IllegalArgumentException(
            file.getFileName() + " line " + number + " is no question: expected a JSON object", e);
      }
      questions.add(question.checked(file, number));
    }
    if (questions.isEmpty()) {
      throw new IllegalArgumentException(file.getFileName() + " holds no question");
    }
    return questions;
  }

  /** What is sent as the user's turn. */
  String text() {
    if (prompt != null) {
      return prompt;
    }
    StringBuilder text = new StringBuilder(question);
    char letter = 'A';
    for (String choice : choices == null ? List.<String>of() : choices) {
      text.append('\n').append(letter++).append(". ").append(choice);
    }
    return text.toString();
  }

  /**
   * Whether an answer is right. A multiple choice counts the first letter that stands alone; an
   * open question wants the whole answer, whatever its case, spacing and final full stop.
   */
  boolean isRight(String given) {
    if (choices != null && !choices.isEmpty()) {
      Matcher letter = LETTER.matcher(given);
      return letter.find() && letter.group(1).equals(answer.strip());
    }
    return plain(given).equals(plain(answer));
  }

  private static String plain(String text) {
    return text.strip().toLowerCase(Locale.ROOT).replaceAll("\\s+", " ").replaceAll("[.!]+$", "");
  }

  @SuppressWarnings("ConstantValue")
  private EvalQuestion checked(Path file, int line) {
    if (video == null || family == null || question == null || answer == null) {
      throw new IllegalArgumentException(
          file.getFileName()
              + " line "
              + line
              + " must have the fields video, family, question and answer");
    }
    return this;
  }
}
