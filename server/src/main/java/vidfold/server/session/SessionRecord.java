package vidfold.server.session;

import java.time.Instant;

/**
 * A conversation about one video.
 *
 * @param id {@code ses_} and a time-ordered random id
 * @param lastUsed when the last turn was added, or the session made
 */
public record SessionRecord(
    String tenant, String id, String videoId, Instant created, Instant lastUsed) {}
