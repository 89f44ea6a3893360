package vidfold.model;

/** Text in and out of a model: the prompt around a video, questions, turns and answers. */
interface Prompt extends AutoCloseable {

  /** Token ids before the video. */
  int[] beforeVideo();

  /** Token ids between this video and the question. */
  int[] afterVideo(VideoFrames video);

  int[] question(String text);

  int[] nextTurn(String text);

  /** Token ids of the text of an earlier answer. */
  int[] answer(String text);

  boolean isStop(int token);

  AnswerText newAnswerText();

  @Override
  default void close() {}
}
