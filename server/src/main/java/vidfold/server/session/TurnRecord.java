package vidfold.server.session;

import java.time.Instant;
import vidfold.server.engine.Answer;

/**
 * A finished turn of a session.
 *
 * @param turn 0 for the first
 * @param question the user's text
 * @param answer the whole answer object, its token ids included
 */
public record TurnRecord(int turn, String question, Answer answer, Instant created) {}
