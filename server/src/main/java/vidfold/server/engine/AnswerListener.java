package vidfold.server.engine;

/** Receives one answer as it is made. */
public interface AnswerListener {

  /** A piece of text, complete characters only. */
  void onText(String piece);

  /** The whole answer; nothing follows. */
  void onDone(Answer answer);

  /** The question failed or was cancelled; nothing follows. */
  void onFailed(Throwable cause);
}
