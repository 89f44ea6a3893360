package vidfold.server.http;

import vidfold.server.engine.Answer;

/**
 * How an answer reads as server-sent events, each call's bytes being whole events. Called by one
 * thread at a time.
 */
interface AnswerEvents {

  /** A piece of the text that is not empty. */
  byte[] text(String piece);

  /** The end of a complete answer. */
  byte[] done(Answer answer);

  /** The end of an answer that failed after its response had begun. */
  byte[] failed(Problem problem, String requestId);
}
