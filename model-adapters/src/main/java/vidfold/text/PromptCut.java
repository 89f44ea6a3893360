package vidfold.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import vidfold.checkpoint.CheckpointException;

/**
 * A conversation about one video, cut into the token ids of the prefix that all questions share, of
 * a question and of each further turn.
 *
 * <p>The template is rendered once, with marks where the texts of users belong, and cut at the
 * marks. Its own pieces are encoded with special tokens, the texts of users without, so neither a
 * special token nor a mark in a question means anything. A question is cut off right after the
 * video, so that prefix and question together have the ids of the whole conversation; where a
 * template writes text between the two, that text belongs to the prefix and has to end with a
 * newline, and a question that itself begins with one is encoded apart from it. Thread-safe.
 */
public final class PromptCut {

  // Private-use characters: no template writes them and none strips them.
  private static final String SYSTEM = "\uE000system\uE001";
  private static final String QUESTION = "\uE000question\uE001";
  private static final String ANSWER = "\uE000answer\uE001";
  private static final String NEXT = "\uE000next\uE001";

  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final Pattern special;
  private final @Nullable String system;
  private final String videoToken;
  private final PrefixTokens prefix;
  private final String afterVideo;
  private final String afterQuestion;
  private final String beforeNext;
  private final String afterNext;

  /**
   * Cuts a template.
   *
   * @param videoToken what the template writes where the video belongs, for example {@code
   *     <|video_pad|>}; if it is no token of the vocabulary, the texts around it are encoded apart
   * @param system the system prompt, as plain text; null leaves it to the template
   * @throws CheckpointException if the template drops or repeats the video or a text, or if the
   *     pieces do not have the ids of the whole
   */
  public PromptCut(
      ChatTemplate template, Tokenizer tokenizer, String videoToken, @Nullable String system) {
    this.template = template;
    this.tokenizer = tokenizer;
    this.special = TemplateText.specialTokens(tokenizer);
    this.system = system;
    this.videoToken = videoToken;
    String opening = template.render(opening(), true);
    String[] aroundQuestion = cut(opening, QUESTION);
    String[] aroundVideo = cut(aroundQuestion[0], videoToken);
    this.prefix =
        new PrefixTokens(encodeHead(aroundVideo[0], system), encodeHead(aroundVideo[1], system));
    this.afterVideo = aroundVideo[1];
    this.afterQuestion = aroundQuestion[1];
    String[] aroundNext = cut(cut(template.render(twoTurns(), true), ANSWER)[1], NEXT);
    this.beforeNext = aroundNext[0];
    this.afterNext = aroundNext[1];
    checkBoundary(aroundQuestion[0]);
    checkWhole(opening, aroundVideo);
  }

  /** The tokens before the video and between the video and the question. */
  public PrefixTokens prefix() {
    return prefix;
  }

  /**
   * The tokens between a video and the question if a note stands before the question.
   *
   * @param note trusted text that ends with a newline
   */
  public int[] afterVideo(String note) {
    if (!note.endsWith("\n")) {
      throw new IllegalArgumentException("expected a note that ends with a newline");
    }
    return encodeHead(afterVideo + note, system);
  }

  /** The first question, the end of the user's turn and the header of the answer. */
  public int[] question(String text) {
    return text().user(text).template(afterQuestion).encode();
  }

  /**
   * What follows a finished answer, from the token that ends it: a further question, the end of the
   * user's turn and the header of the next answer. The answer's own tokens, without an end token,
   * come before it.
   */
  public int[] nextTurn(String text) {
    return text().template(beforeNext).user(text).template(afterNext).encode();
  }

  private List<ChatMessage> opening() {
    List<ChatMessage> messages = new ArrayList<>();
    if (system != null) {
      messages.add(ChatMessage.of("system", ChatPart.text(SYSTEM)));
    }
    messages.add(ChatMessage.of("user", ChatPart.video(), ChatPart.text(QUESTION)));
    return messages;
  }

  private List<ChatMessage> twoTurns() {
    List<ChatMessage> messages = opening();
    messages.add(ChatMessage.of("assistant", ChatPart.text(ANSWER)));
    messages.add(ChatMessage.of("user", ChatPart.text(NEXT)));
    return messages;
  }

  private TemplateText text() {
    return new TemplateText(tokenizer, special);
  }

  /** Encodes a piece before the question, with this system prompt where its mark is. */
  private int[] encodeHead(String piece, @Nullable String instruction) {
    if (instruction == null || !piece.contains(SYSTEM)) {
      return text().template(piece).encode();
    }
    String[] around = cut(piece, SYSTEM);
    return text().template(around[0]).user(instruction).template(around[1]).encode();
  }

  private String[] cut(String rendered, String mark) {
    int at = rendered.indexOf(mark);
    if (at < 0 || rendered.indexOf(mark, at + 1) >= 0) {
      String shown = mark.replaceAll("[\uE000\uE001]", "");
      throw defect(
          "expected it to write %s once but found it %s"
              .formatted(shown, at < 0 ? "nowhere" : "again"));
    }
    return new String[] {rendered.substring(0, at), rendered.substring(at + mark.length())};
  }

  /** BPE merges nothing across a special token or from a newline into a word, but across others. */
  private void checkBoundary(String head) {
    Matcher matcher = special.matcher(head);
    boolean clean = head.endsWith("\n");
    while (!clean && matcher.find()) {
      clean = matcher.end() == head.length();
    }
    if (!clean) {
      throw defect("expected a special token or a newline right before the question");
    }
  }

  /** The pieces, put together around a sample, must have the ids that the tokenizer gives it. */
  private void checkWhole(String opening, String[] aroundVideo) {
    String sample = "What is it?";
    String instruction = "Be brief.";
    OptionalInt videoId = tokenizer.idOf(videoToken);
    int[] head = encodeHead(aroundVideo[0], instruction);
    int[] tail =
        Stream.of(encodeHead(aroundVideo[1], instruction), question(sample))
            .flatMapToInt(Arrays::stream)
            .toArray();
    String whole = opening.replace(SYSTEM, instruction).replace(QUESTION, sample);
    if (videoId.isPresent()) {
      int[] video = {videoId.getAsInt()};
      checkSame(
          Stream.of(head, video, tail).flatMapToInt(Arrays::stream).toArray(),
          tokenizer.encodeTemplate(whole));
    } else {
      String[] around = cut(whole, videoToken);
      checkSame(head, tokenizer.encodeTemplate(around[0]));
      checkSame(tail, tokenizer.encodeTemplate(around[1]));
    }
  }

  private void checkSame(int[] joined, int[] expected) {
    if (!Arrays.equals(joined, expected)) {
      throw defect(
          "expected pieces with the ids of the whole, %s, but found %s"
              .formatted(Arrays.toString(expected), Arrays.toString(joined)));
    }
  }

  private CheckpointException defect(String problem) {
    return new CheckpointException(template.file(), "chat template: " + problem);
  }
}
