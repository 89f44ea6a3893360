package vidfold.server.video;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/** The table of videos. Blocks for the disk. Thread-safe. */
final class VideoRows {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String COLUMNS =
      "tenant, id, sha256, bytes, name, state, created_at, facts, failure_type, failure_detail";

  private final Jdbi jdbi;

  VideoRows(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  /** Adds a video; there must be none of these bytes in this tenant. */
  void insert(VideoRecord video) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(
                    "INSERT INTO videos (tenant, id, sha256, bytes, name, state, created_at, attempts)"
                        + " VALUES (:tenant, :id, :sha256, :bytes, :name, :state, :created, 0)")
                .bind("tenant", video.tenant())
                .bind("id", video.id())
                .bind("sha256", video.sha256())
                .bind("bytes", video.bytes())
                .bind("name", video.name())
                .bind("state", text(video.state()))
                .bind("created", video.created().toEpochMilli())
                .execute());
  }

  Optional<VideoRecord> find(String tenant, String id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT " + COLUMNS + " FROM videos WHERE tenant = :tenant AND id = :id")
                .bind("tenant", tenant)
                .bind("id", id)
                .map((row, context) -> read(row))
                .findOne());
  }

  Optional<VideoRecord> findContent(String tenant, String sha256) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT "
                        + COLUMNS
                        + " FROM videos WHERE tenant = :tenant AND sha256 = :sha256")
                .bind("tenant", tenant)
                .bind("sha256", sha256)
                .map((row, context) -> read(row))
                .findOne());
  }

  /** Videos from the newest on, those after the given id when there is one. */
  List<VideoRecord> list(String tenant, int limit, @Nullable String after) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT "
                        + COLUMNS
                        + " FROM videos WHERE tenant = :tenant AND (:first = 1 OR id < :after)"
                        + " ORDER BY id DESC LIMIT :limit")
                .bind("tenant", tenant)
                .bind("first", after == null ? 1 : 0)
                .bind("after", after == null ? "" : after)
                .bind("limit", limit)
                .map((row, context) -> read(row))
                .list());
  }

  /** Videos that are neither ready nor failed, oldest first. */
  List<VideoRecord> unfinished() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "SELECT "
                        + COLUMNS
                        + " FROM videos WHERE state NOT IN (:ready, :failed) ORDER BY id, tenant")
                .bind("ready", text(VideoRecord.State.READY))
                .bind("failed", text(VideoRecord.State.FAILED))
                .map((row, context) -> read(row))
                .list());
  }

  /** Every video, oldest first. */
  List<VideoRecord> all() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("SELECT " + COLUMNS + " FROM videos ORDER BY id, tenant")
                .map((row, context) -> read(row))
                .list());
  }

  boolean delete(String tenant, String id) {
    return jdbi.withHandle(
            handle ->
                handle
                    .createUpdate("DELETE FROM videos WHERE tenant = :tenant AND id = :id")
                    .bind("tenant", tenant)
                    .bind("id", id)
                    .execute())
        == 1;
  }

  /** Moves a video to a state that is no failure; false when it is gone. */
  boolean enter(String tenant, String id, VideoRecord.State state) {
    return jdbi.withHandle(
            handle ->
                handle
                    .createUpdate(
                        "UPDATE videos SET state = :state WHERE tenant = :tenant AND id = :id")
                    .bind("tenant", tenant)
                    .bind("id", id)
                    .bind("state", text(state))
                    .execute())
        == 1;
  }

  /**
   * Counts one more attempt at ingest and returns how many that makes; 0 when the video is gone.
   */
  int countAttempt(String tenant, String id) {
    return jdbi.inTransaction(
        handle -> {
          handle
              .createUpdate(
                  "UPDATE videos SET attempts = attempts + 1 WHERE tenant = :tenant AND id = :id")
              .bind("tenant", tenant)
              .bind("id", id)
              .execute();
          return handle
              .createQuery("SELECT attempts FROM videos WHERE tenant = :tenant AND id = :id")
              .bind("tenant", tenant)
              .bind("id", id)
              .mapTo(Integer.class)
              .findOne()
              .orElse(0);
        });
  }

  boolean setFacts(String tenant, String id, VideoRecord.Facts facts) {
    return jdbi.withHandle(
            handle ->
                handle
                    .createUpdate(
                        "UPDATE videos SET facts = :facts WHERE tenant = :tenant AND id = :id")
                    .bind("tenant", tenant)
                    .bind("id", id)
                    .bind("facts", write(facts))
                    .execute())
        == 1;
  }

  boolean fail(String tenant, String id, VideoRecord.Failure failure) {
    return jdbi.withHandle(
            handle ->
                handle
                    .createUpdate(
                        "UPDATE videos SET state = :state, failure_type = :type,"
                            + " failure_detail = :detail WHERE tenant = :tenant AND id = :id")
                    .bind("tenant", tenant)
                    .bind("id", id)
                    .bind("state", text(VideoRecord.State.FAILED))
                    .bind("type", failure.type())
                    .bind("detail", failure.detail())
                    .execute())
        == 1;
  }

  /** Takes a failed video back to the beginning of ingest: its bytes came again. */
  void restart(String tenant, String id) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(
                    "UPDATE videos SET state = :state, attempts = 0, facts = NULL,"
                        + " failure_type = NULL, failure_detail = NULL"
                        + " WHERE tenant = :tenant AND id = :id")
                .bind("tenant", tenant)
                .bind("id", id)
                .bind("state", text(VideoRecord.State.UPLOADING))
                .execute());
  }

  private static VideoRecord read(ResultSet row) throws SQLException {
    String facts = row.getString("facts");
    String failureType = row.getString("failure_type");
    String failureDetail = row.getString("failure_detail");
    return new VideoRecord(
        row.getString("tenant"),
        row.getString("id"),
        row.getString("sha256"),
        row.getLong("bytes"),
        row.getString("name"),
        VideoRecord.State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)),
        Instant.ofEpochMilli(row.getLong("created_at")),
        facts == null ? null : readFacts(facts),
        failureType == null
            ? null
            : new VideoRecord.Failure(failureType, failureDetail == null ? "" : failureDetail));
  }

  private static String text(VideoRecord.State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  private static String write(VideoRecord.Facts facts) {
    try {
      return JSON.writeValueAsString(facts);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("facts are not JSON: " + facts, e);
    }
  }

  private static VideoRecord.Facts readFacts(String json) throws SQLException {
    try {
      return JSON.readValue(json, VideoRecord.Facts.class);
    } catch (JsonProcessingException e) {
      throw new SQLException("the facts of a video are damaged", e);
    }
  }
}
