package vidfold.server.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import vidfold.server.video.VideoRecord;

/**
 * A video as clients see it.
 *
 * @param duration seconds; absent until the probe ran, as what follows
 * @param fps frames a second on average
 * @param error why it cannot be used, when it is failed
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record VideoView(
    String id,
    String state,
    String name,
    long bytes,
    @Nullable String sha256,
    String created,
    @Nullable Double duration,
    @Nullable Integer width,
    @Nullable Integer height,
    @Nullable Integer frames,
    @Nullable Double fps,
    @Nullable String codec,
    @Nullable String container,
    @JsonProperty("has_audio") @Nullable Boolean hasAudio,
    @Nullable Reason error) {

  /** The type of the problem and a sentence. */
  record Reason(String type, String detail) {}

  static VideoView of(VideoRecord video) {
    VideoRecord.Facts facts = video.facts();
    VideoRecord.Failure failure = video.failure();
    return new VideoView(
        video.id(),
        video.state().name().toLowerCase(Locale.ROOT),
        video.name(),
        video.bytes(),
        video.sha256().isEmpty() ? null : video.sha256(),
        video.created().toString(),
        facts == null ? null : facts.durationSeconds(),
        facts == null ? null : facts.width(),
        facts == null ? null : facts.height(),
        facts == null ? null : facts.frames(),
        facts == null ? null : facts.averageFps(),
        facts == null ? null : facts.codec(),
        facts == null ? null : facts.container(),
        facts == null ? null : facts.hasAudio(),
        failure == null ? null : new Reason(Problem.uri(failure.type()), failure.detail()));
  }
}
