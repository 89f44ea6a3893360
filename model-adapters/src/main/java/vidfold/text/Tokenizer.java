package vidfold.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;

/**
 * The tokenizer of a checkpoint, from its {@code tokenizer.json}. Thread-safe until it is closed,
 * which frees its native memory.
 *
 * <p>Two native tokenizers are made of the one file, because the library always recognises added
 * tokens in the text: one as published, for templates, and one without added tokens, for what users
 * type. So no text of a user can turn into {@code <|im_end|>}.
 */
public final class Tokenizer implements AutoCloseable {

  private static final String FILE = "tokenizer.json";
  private static final Map<String, String> OPTIONS =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private final HuggingFaceTokenizer published;
  private final HuggingFaceTokenizer plain;
  private final Vocabulary vocabulary;

  private Tokenizer(
      HuggingFaceTokenizer published, HuggingFaceTokenizer plain, Vocabulary vocabulary) {
    this.published = published;
    this.plain = plain;
    this.vocabulary = vocabulary;
  }

  /**
   * Reads {@code tokenizer.json} of a checkpoint folder.
   *
   * @throws CheckpointException if it is missing, defective or no byte-level BPE
   */
  public static Tokenizer open(Path folder) {
    ConfigNode config = ConfigNode.read(folder.resolve(FILE));
    Vocabulary vocabulary = Vocabulary.of(config);
    ObjectNode json = config.json().deepCopy();
    json.putNull("truncation").putNull("padding");
    HuggingFaceTokenizer published = load(json);
    try {
      json.putArray("added_tokens");
      Tokenizer tokenizer = new Tokenizer(published, load(json), vocabulary);
      tokenizer.checkPlain();
      return tokenizer;
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  /** Encodes text of a user: special tokens in it are ordinary characters. */
  public int[] encodePlain(String text) {
    return encode(plain, text);
  }

  /** Encodes text that a template wrote: special tokens in it are recognised. */
  public int[] encodeTemplate(String text) {
    return encode(published, text);
  }

  /** The id of a token as it is written in the vocabulary, special tokens included. */
  public OptionalInt idOf(String token) {
    return vocabulary.idOf(token);
  }

  /** The text of these tokens; special tokens leave none, bytes that are no text become U+FFFD. */
  public String decode(int[] ids) {
    IncrementalDecoder decoder = newDecoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.push(id));
    }
    return text.append(decoder.finish()).toString();
  }

  /** The text of one token alone, also of a special one; half characters become U+FFFD. */
  public String tokenText(int id) {
    Utf8Stream stream = new Utf8Stream();
    return stream.push(vocabulary.bytes(id)) + stream.finish();
  }

  /** A decoder for one answer. */
  public IncrementalDecoder newDecoder() {
    return new IncrementalDecoder(vocabulary);
  }

  @Override
  public void close() {
    published.close();
    plain.close();
  }

  /** Contents of the tokens that {@link #encodeTemplate} recognises before BPE. */
  Set<String> addedTokens() {
    return vocabulary.added();
  }

  /** A vocabulary whose merges spell out a special token would defeat {@link #encodePlain}. */
  private void checkPlain() {
    for (String token : vocabulary.added()) {
      int id = vocabulary.idOf(token).orElseThrow();
      if (Arrays.stream(encodePlain(token)).anyMatch(found -> found == id)) {
        plain.close();
        throw new CheckpointException(
            FILE, token + ": expected plain text but the merges alone produce token " + id);
      }
    }
  }

  private static int[] encode(HuggingFaceTokenizer tokenizer, String text) {
    if (text.isEmpty()) {
      return new int[0];
    }
    long[] ids = tokenizer.encode(wellFormed(text), false, false).getIds();
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  /** Replaces surrogates without a partner, which no UTF-8 text can hold. */
  private static String wellFormed(String text) {
    if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      return text;
    }
    StringBuilder repaired = new StringBuilder(text.length());
    text.codePoints()
        .map(point -> point >= 0xD800 && point <= 0xDFFF ? 0xFFFD : point)
        .forEach(repaired::appendCodePoint);
    return repaired.toString();
  }

  private static HuggingFaceTokenizer load(ObjectNode json) {
    byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(bytes), OPTIONS);
    } catch (IOException | RuntimeException e) {
      throw new CheckpointException(FILE, "cannot be loaded: " + e.getMessage(), e);
    }
  }
}
