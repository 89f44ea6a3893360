package vidfold.model;

/** Turns the tokens of one answer into text, never emitting half a character. */
public interface AnswerText {

  /** Adds a token; returns the text that became complete. */
  String push(int token);

  /** Text that was still held back. */
  String finish();

  /** The text of one token alone, for logprobs; bytes that are no text are replaced by U+FFFD. */
  String tokenText(int token);
}
