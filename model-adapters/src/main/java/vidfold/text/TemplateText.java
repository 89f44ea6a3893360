package vidfold.text;

import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Text of a template and text of users in turn, encoded as one. The special tokens of the template
 * split it, as the tokenizer itself does; what lies between two of them is encoded in one piece, so
 * the ids are those of the whole text even where a user's newline meets the template's. Special
 * tokens are looked for in the template's text only.
 */
final class TemplateText {

  private final Tokenizer tokenizer;
  private final Pattern special;
  private final StringBuilder run = new StringBuilder();
  private final IntStream.Builder ids = IntStream.builder();

  /** Starts an empty text; {@code special} is {@link #specialTokens} of the same tokenizer. */
  TemplateText(Tokenizer tokenizer, Pattern special) {
    this.tokenizer = tokenizer;
    this.special = special;
  }

  /** A pattern that finds the longest special token; never matches when there are none. */
  static Pattern specialTokens(Tokenizer tokenizer) {
    String alternatives =
        tokenizer.addedTokens().stream()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .map(Pattern::quote)
            .collect(Collectors.joining("|"));
    return Pattern.compile(alternatives.isEmpty() ? "(?!)" : alternatives);
  }

  /** Adds text of the template. */
  TemplateText template(String text) {
    Matcher matcher = special.matcher(text);
    int at = 0;
    while (matcher.find()) {
      run.append(text, at, matcher.start());
      endRun();
      ids.add(tokenizer.idOf(matcher.group()).orElseThrow());
      at = matcher.end();
    }
    run.append(text, at, text.length());
    return this;
  }

  /** Adds text of a user. */
  TemplateText user(String text) {
    run.append(text);
    return this;
  }

  /** The ids of all that was added; to be called once. */
  int[] encode() {
    endRun();
    return ids.build().toArray();
  }

  private void endRun() {
    for (int id : tokenizer.encodePlain(run.toString())) {
      ids.add(id);
    }
    run.setLength(0);
  }
}
