package vidfold.server.session;

import java.time.Instant;
import java.util.List;
import vidfold.server.engine.Answer;

/**
 * A finished turn of a session.
 *
 * @param turn 0 for the first
 * @param question the user's text
 * @param answer the whole answer object
 * @param answerTokens token ids of the answer, from which the conversation's KV is rebuilt exactly
 */
public record TurnRecord(
    int turn, String question, Answer answer, List<Integer> answerTokens, Instant created) {
  public TurnRecord {
    answerTokens = List.copyOf(answerTokens);
  }
}
