package vidfold.model;

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
  private final int[] beforeVideo;
  private final int[] afterVideo;

  private CheckpointPrompt(Tokenizer tokenizer, PromptCut cut, StopTokens stops) {
    this.tokenizer = tokenizer;
    this.cut = cut;
    this.stops = stops;
    this.beforeVideo = cut.prefix().beforeVideo();
    this.afterVideo = cut.prefix().afterVideo();
  }

  /**
   * Opens the text side of a folder.
   *
   * @param videoToken what the template writes where the video belongs
   */
  static CheckpointPrompt open(Checkpoint checkpoint, String videoToken) {
    Tokenizer tokenizer = Tokenizer.open(checkpoint.folder());
    try {
      ChatTemplate template = ChatTemplate.open(checkpoint.folder());
      return new CheckpointPrompt(
          tokenizer,
          new PromptCut(template, tokenizer, videoToken, null),
          StopTokens.of(checkpoint, tokenizer));
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
  public int[] afterVideo() {
    return afterVideo;
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
