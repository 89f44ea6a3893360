package vidfold.text;

/**
 * Tokens of one answer in, text out, never half a character. What it returned, put together, is
 * always {@link Tokenizer#decode} of all tokens; special tokens leave no text.
 */
public final class IncrementalDecoder {

  private final Vocabulary vocabulary;
  private final Utf8Stream stream = new Utf8Stream();

  IncrementalDecoder(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** Adds a token; returns the text that became complete, often empty. */
  public String push(int id) {
    return vocabulary.isSpecial(id) ? "" : stream.push(vocabulary.bytes(id));
  }

  /** Ends the answer: bytes still held back, which are no character, become U+FFFD. */
  public String finish() {
    return stream.finish();
  }
}
