package vidfold.model;

import java.util.List;

/**
 * A Video-LLM on one device: frames to KV prefix, question to tokens.
 *
 * <p>Everything that touches the device ({@link #startEncoding}, {@link #startPrefix}, {@link
 * PrefixBuild#advance}, {@link #open}, {@link #prefill}, {@link #decode}, {@link #sample} and
 * closing what they return) is called by one thread. The text and sizing methods are safe from any
 * thread.
 */
public interface VideoLlm extends AutoCloseable {

  /** What was loaded. */
  ModelInfo info();

  /** The adapter's rule for choosing frames. */
  SamplingRule samplingRule();

  /** Thresholds that were published for this very model, most tokens first; maybe none. */
  default List<PublishedSttm> publishedThresholds() {
    return List.of();
  }

  /** The frame size, in pixels, that the vision tower takes for a clip of this shape. */
  FrameSize frameSize(int frames, int width, int height);

  /** Token ids of the first question on a prefix, up to and including the assistant header. */
  int[] questionTokens(String question);

  /** Token ids of a further question, from the end of the last answer to the assistant header. */
  int[] nextTurnTokens(String question);

  /**
   * Token ids of the text of an earlier answer, special tokens off. They may differ from the tokens
   * that were sampled, so callers that still have those feed them instead.
   */
  int[] answerTokens(String answer);

  /** Whether this token ends an answer. */
  boolean isStop(int token);

  /** A new incremental detokenizer for one answer. */
  AnswerText newAnswerText();

  /**
   * Starts to encode a video. The frames may be released when the encoding is done or closed.
   *
   * @param salient whether the attention that tokens receive in the tower is kept with them, for
   *     reducers that go by it
   * @throws IllegalArgumentException if the vision tower does not take frames of this size
   */
  VideoEncoding startEncoding(VideoFrames frames, boolean salient);

  /** Starts to encode a video without saliency. */
  default VideoEncoding startEncoding(VideoFrames frames) {
    return startEncoding(frames, false);
  }

  /**
   * Starts to build a KV prefix from a video's visual tokens, which may be closed as soon as this
   * returns.
   */
  PrefixBuild startPrefix(EncodedVideo video, PrefixSpec spec);

  /**
   * Opens a sequence on a prefix.
   *
   * @param capacity the most tokens of its own (question, answer, further turns) it may hold
   */
  Decoding open(KvPrefix prefix, SamplingParams params, int capacity);

  /**
   * Opens a sequence whose prompt and answer see less of the prefix, which stays as it is.
   *
   * @param promptTokens tokens of the prompt; what is seen is chosen when the last of them is fed
   */
  Decoding open(
      KvPrefix prefix,
      SamplingParams params,
      int capacity,
      QuestionReducer reducer,
      int promptTokens);

  /**
   * Feeds question tokens, at most {@link ModelInfo#prefillChunk()} of them; the sequence then
   * holds the logits of the last one, or, with a per-question reducer, of the prompt's last one.
   */
  void prefill(Decoding sequence, int[] tokens);

  /** Feeds one token to each sequence; each then holds its next logits. */
  void decode(List<Decoding> sequences, int[] tokens);

  /** Picks the next token from the logits that the sequence holds. */
  TokenChoice sample(Decoding sequence);

  @Override
  void close();
}
