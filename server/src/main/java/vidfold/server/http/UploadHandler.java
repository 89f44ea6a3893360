package vidfold.server.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.VideoRecord;

/** {@code POST /v1/videos}: a video as the body itself, or as a file of a form. */
final class UploadHandler {
  private final ServerParts parts;
  private final VideoRoutes videos;
  private final HttpMeters meters;

  UploadHandler(ServerParts parts, VideoRoutes videos, HttpMeters meters) {
    this.parts = parts;
    this.videos = videos;
    this.meters = meters;
  }

  /** Decides by the Content-Type how the body is read. */
  RequestBody open(Exchange exchange) {
    MediaType type = MediaType.of(exchange.header(HttpHeaderNames.CONTENT_TYPE));
    Duration wait = Waiting.of(exchange);
    if (type.is("multipart/form-data")) {
      return new MultipartUpload(parts.library(), exchange, meters, type, done(exchange, wait));
    }
    if (type.name().isEmpty()
        || type.is("application/octet-stream")
        || type.name().startsWith("video/")) {
      return new RawUpload(parts.library(), exchange, meters, done(exchange, wait));
    }
    throw Problem.of(
            415,
            "unsupported-media-type",
            "Send the video as the body with a Content-Type of video/* or"
                + " application/octet-stream, or as a file of a multipart/form-data form.")
        .asException();
  }

  /** What happens when the bytes are stored. */
  interface Stored {
    void video(VideoRecord video);
  }

  private Stored done(Exchange exchange, Duration wait) {
    return video -> exchange.reply(stored(video, wait));
  }

  /** Ingests; 201 when the video is ready, 202 while it is under way, its problem when it fails. */
  private CompletableFuture<Reply> stored(VideoRecord video, Duration wait) {
    if (video.state() == VideoRecord.State.READY) {
      return CompletableFuture.completedFuture(reply(video));
    }
    CompletableFuture<VideoRecord> ingested = parts.ingest().ingest(video, parts.defaults());
    if (wait.isZero()) {
      return CompletableFuture.completedFuture(reply(video));
    }
    return videos.now(video, Waiting.atMost(wait, ingested)).thenApply(UploadHandler::reply);
  }

  private static Reply reply(VideoRecord video) {
    Optional<Problem> failure = VideoRoutes.failure(video);
    if (failure.isPresent()) {
      throw failure.get().asException();
    }
    return Reply.json(VideoRoutes.isUnderWay(video) ? 202 : 201, VideoView.of(video))
        .with("Location", "/v1/videos/" + video.id());
  }
}
