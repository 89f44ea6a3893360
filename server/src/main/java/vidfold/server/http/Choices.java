package vidfold.server.http;

import java.util.List;

/**
 * How a multiple choice is put to a model: the question, a line for each choice, and the sentence
 * that Video-LLMs and the embedded model learned to answer with a letter.
 */
final class Choices {
  static final String ASK_FOR_LETTER =
      "Answer with the option's letter from the given choices directly.";
  private static final int MIN = 2;
  private static final int MAX = 26;

  private Choices() {}

  static void check(List<String> choices) {
    if (choices.size() < MIN || choices.size() > MAX) {
      throw Problems.field(
          "choices", "'choices' must be %d to %d but are %d.".formatted(MIN, MAX, choices.size()));
    }
    for (int i = 0; i < choices.size(); i++) {
      String choice = choices.get(i);
      if (choice.isBlank() || choice.lines().count() > 1) {
        throw Problems.field("choices[" + i + "]", "A choice must be one line of text.");
      }
    }
  }

  static String append(String question, List<String> choices) {
    StringBuilder text = new StringBuilder(question);
    char letter = 'A';
    for (String choice : choices) {
      text.append('\n').append(letter++).append(". ").append(choice.strip());
    }
    return text.append('\n').append(ASK_FOR_LETTER).toString();
  }
}
