package vidfold.server.session;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import vidfold.server.engine.Answer;
import vidfold.server.engine.Question;
import vidfold.server.engine.TimeOrderedIds;
import vidfold.server.video.Database;
import vidfold.server.video.StoreException;

/**
 * The sessions and their turns, on disk: a restarted server goes on where it was. Deleting a video
 * deletes its sessions.
 *
 * <p>Blocks for the disk: not from an event loop or the inference thread. Thread-safe.
 */
public final class Sessions {
  /** Answers of a newer version, read after a step back, may have more fields. */
  private static final ObjectMapper JSON =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private static final TypeReference<List<Integer>> TOKENS = new TypeReference<>() {};

  private final Jdbi jdbi;
  private final Clock clock = Clock.systemUTC();
  private final TimeOrderedIds ids = new TimeOrderedIds(clock);

  public Sessions(Database database) {
    this.jdbi = database.jdbi();
  }

  /**
   * Begins a session on a video.
   *
   * @throws StoreException {@code NO_SUCH_VIDEO}
   */
  public SessionRecord create(String tenant, String videoId) {
    String id = ids.next("ses_");
    long now = clock.millis();
    int made =
        jdbi.withHandle(
            handle ->
                handle
                    .createUpdate(
                        "INSERT INTO sessions (id, tenant, video_id, created_at, last_used_at)"
                            + " SELECT :id, tenant, id, :now, :now FROM videos"
                            + " WHERE tenant = :tenant AND id = :video")
                    .bind("id", id)
                    .bind("tenant", tenant)
                    .bind("video", videoId)
                    .bind("now", now)
                    .execute());
    if (made == 0) {
      throw StoreException.noSuchVideo(videoId);
    }
    Instant created = Instant.ofEpochMilli(now);
    return new SessionRecord(tenant, id, videoId, created, created);
  }

  /** One session. */
  public Optional<SessionRecord> find(String tenant, String id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT tenant, id, video_id, created_at, last_used_at FROM sessions"
                        + " WHERE tenant = :tenant AND id = :id")
                .bind("tenant", tenant)
                .bind("id", id)
                .map((row, context) -> session(row))
                .findOne());
  }

  /** The turns of a session, oldest first; none when there is no such session. */
  public List<TurnRecord> turns(String tenant, String id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT turn, question, answer, answer_tokens, turns.created_at AS made_at"
                        + " FROM turns JOIN sessions ON sessions.id = turns.session_id"
                        + " WHERE sessions.tenant = :tenant AND sessions.id = :id ORDER BY turn")
                .bind("tenant", tenant)
                .bind("id", id)
                .map((row, context) -> turn(row))
                .list());
  }

  /**
   * The turns of a session as the history of its next question, oldest first.
   *
   * @param modelDigest digest of the model that will answer; only answers of this very model keep
   *     their token ids, others are given as text
   */
  public List<Question.Turn> history(String tenant, String id, String modelDigest) {
    return turns(tenant, id).stream()
        .map(
            turn -> {
              Answer answer = turn.answer();
              boolean same = answer.receipt().modelDigest().equals(modelDigest);
              return new Question.Turn(
                  turn.question(), answer.answer(), same ? answer.tokens() : null);
            })
        .toList();
  }

  /**
   * Adds a finished turn at the end of a session.
   *
   * @throws StoreException {@code NO_SUCH_SESSION}, also when it was deleted meanwhile
   */
  public TurnRecord append(String tenant, String id, String question, Answer answer) {
    long now = clock.millis();
    int turn =
        jdbi.inTransaction(
            handle -> {
              touch(handle, tenant, id, now);
              int next = turnCount(handle, id);
              handle
                  .createUpdate(
                      "INSERT INTO turns (session_id, turn, question, answer, answer_tokens, created_at)"
                          + " VALUES (:id, :turn, :question, :answer, :tokens, :now)")
                  .bind("id", id)
                  .bind("turn", next)
                  .bind("question", question)
                  .bind("answer", write(answer))
                  .bind("tokens", write(answer.tokens()))
                  .bind("now", now)
                  .execute();
              return next;
            });
    return new TurnRecord(turn, question, answer, Instant.ofEpochMilli(now));
  }

  /** Marks a session as used, which also locks it against a second turn at the same time. */
  private static void touch(Handle handle, String tenant, String id, long now) {
    int found =
        handle
            .createUpdate(
                "UPDATE sessions SET last_used_at = :now WHERE tenant = :tenant AND id = :id")
            .bind("now", now)
            .bind("tenant", tenant)
            .bind("id", id)
            .execute();
    if (found == 0) {
      throw StoreException.noSuchSession(id);
    }
  }

  private static int turnCount(Handle handle, String id) {
    return handle
        .createQuery("SELECT COUNT(*) FROM turns WHERE session_id = :id")
        .bind("id", id)
        .mapTo(Integer.class)
        .one();
  }

  /** Removes a session and its turns; false when there is no such session. */
  public boolean delete(String tenant, String id) {
    return jdbi.withHandle(
            handle ->
                handle
                    .createUpdate("DELETE FROM sessions WHERE tenant = :tenant AND id = :id")
                    .bind("tenant", tenant)
                    .bind("id", id)
                    .execute())
        == 1;
  }

  private static SessionRecord session(ResultSet row) throws SQLException {
    return new SessionRecord(
        row.getString("tenant"),
        row.getString("id"),
        row.getString("video_id"),
        Instant.ofEpochMilli(row.getLong("created_at")),
        Instant.ofEpochMilli(row.getLong("last_used_at")));
  }

  private static TurnRecord turn(ResultSet row) throws SQLException {
    try {
      Answer answer = JSON.readValue(row.getString("answer"), Answer.class);
      List<Integer> tokens = JSON.readValue(row.getString("answer_tokens"), TOKENS);
      return new TurnRecord(
          row.getInt("turn"),
          row.getString("question"),
          withTokens(answer, tokens),
          Instant.ofEpochMilli(row.getLong("made_at")));
    } catch (JsonProcessingException e) {
      throw new SQLException("a turn of a session is damaged", e);
    }
  }

  /** Token ids are no part of the answer object's JSON. */
  private static Answer withTokens(Answer answer, List<Integer> tokens) {
    return new Answer(
        answer.id(),
        answer.video(),
        answer.answer(),
        answer.finishReason(),
        answer.usage(),
        answer.receipt(),
        answer.logprobs(),
        tokens);
  }

  private static String write(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not JSON: " + value.getClass(), e);
    }
  }
}
