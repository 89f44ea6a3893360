package vidfold.server.video;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A stored video.
 *
 * @param id {@code vid_} and a time-ordered random id
 * @param sha256 hex digest of the bytes; empty while uploading
 * @param name file name given by the client, for display only
 * @param state where ingest stands
 * @param facts what the probe found, once it ran
 * @param failure why ingest failed, when it did
 */
public record VideoRecord(
    String tenant,
    String id,
    String sha256,
    long bytes,
    String name,
    State state,
    Instant created,
    @Nullable Facts facts,
    @Nullable Failure failure) {

  /** States of ingest, in order. */
  public enum State {
    UPLOADING,
    PROBING,
    DECODING,
    ENCODING,
    READY,
    FAILED
  }

  /** What the probe found. */
  public record Facts(
      double durationSeconds,
      int width,
      int height,
      int frames,
      double averageFps,
      String codec,
      String container,
      boolean hasAudio) {}

  /** A stable problem type and a sentence for people. */
  public record Failure(String type, String detail) {}
}
