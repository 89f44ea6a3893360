package vidfold.model;

import java.util.function.Function;
import vidfold.checkpoint.Checkpoint;
import vidfold.text.ChatTemplate;
import vidfold.text.IncrementalDecoder;
import vidfold.text.PromptCut;
import vidfold.text.StopTokens;
import vidfold.text.Tokenizer;

/** The prompt of a checkpoint folder: its tokenizer and chat template, cut at the video. */
final class CheckpointPrompt implements Prompt {

  private final Tokenizer tokenizer;
  private final PromptCut cut;
  private final StopTokens stops;
  private final Function<VideoFrames, String> note;
  private final int[] beforeVideo;
  private final int[] afterVideo;

  private CheckpointPrompt(
      Tokenizer tokenizer, PromptCut cut, StopTokens stops, Function<VideoFrames, String> note) {
    this.tokenizer = tokenizer;
    this.cut = cut;
    this.stops = stops;
    this.note = note;
    this.beforeVideo = cut.prefix().beforeVideo();
    this.afterVideo = cut.prefix().afterVideo();
  }

  /**
   * Opens the text side of a folder with the chat template that it holds.
   *
   * @param videoToken what the template writes where the video belongs
   */
  static CheckpointPrompt open(Checkpoint checkpoint, String videoToken) {
    ChatTemplate template = ChatTemplate.open(checkpoint.folder());
    return open(checkpoint, template, videoToken, video -> "");
  }

  /**
   * Opens the text side of a folder.
   *
   * @param template its chat template
   * @param videoToken what the template writes where the video belongs
   * @param note what follows a video and what the template writes after it: nothing, or text that
   *     ends with a newline
   */
  static CheckpointPrompt open(
      Checkpoint checkpoint,
      ChatTemplate template,
      String videoToken,
      Function<VideoFrames, String> note) {
    Tokenizer tokenizer = Tokenizer.open(checkpoint.folder());
    try {
      return new CheckpointPrompt(
          tokenizer,
          new PromptCut(template, tokenizer, videoToken, null),
          StopTokens.of(checkpoint, tokenizer),
          note);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  @Override
  public int[] beforeVideo() {
    return beforeVideo;
  }

  @Override
  public int[] afterVideo(VideoFrames video) {
    String text = note.apply(video);
    return text.isEmpty() ? afterVideo : cut.afterVideo(text);
  }

  @Override
  public int[] question(String text) {
    return cut.question(text);
  }

  @Override
  public int[] nextTurn(String text) {
    return cut.nextTurn(text);
  }

  @Override
  public int[] answer(String text) {
    return tokenizer.encodePlain(text);
  }

  @Override
  public boolean isStop(int token) {
    return stops.contains(token);
  }

  @Override
  public AnswerText newAnswerText() {
    IncrementalDecoder decoder = tokenizer.newDecoder();
    return new AnswerText() {
      @Override
      public String push(int token) {
        return decoder.push(token);
      }

      @Override
      public String finish() {
        return decoder.finish();
      }

      @Override
      public String tokenText(int token) {
        return tokenizer.tokenText(token);
      }
    };
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
