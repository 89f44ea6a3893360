package vidfold.server.http;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import vidfold.server.video.StoreException;
import vidfold.server.video.VideoRecord;

/** Stored videos: list, one, delete; and the way to one that is ready. */
final class VideoRoutes {
  private static final int DEFAULT_LIMIT = 20;
  private static final int MAX_LIMIT = 100;

  private final ServerParts parts;

  VideoRoutes(ServerParts parts) {
    this.parts = parts;
  }

  /** Newest first; one more than asked for tells whether there are more. */
  void list(Exchange exchange) {
    int limit = limit(exchange);
    String after = exchange.query("after").orElse(null);
    exchange.reply(
        CompletableFuture.supplyAsync(
            () -> {
              List<VideoRecord> found = parts.library().list(exchange.tenant(), limit + 1, after);
              Map<String, Object> page = new LinkedHashMap<>();
              page.put("data", found.stream().limit(limit).map(VideoView::of).toList());
              page.put("has_more", found.size() > limit);
              return Reply.json(200, page);
            },
            parts.blocking()));
  }

  /** With {@code wait} the answer comes when the video is ready or failed, or the wait is over. */
  void get(Exchange exchange) {
    String id = exchange.path("id");
    Duration wait = Waiting.of(exchange);
    CompletableFuture<VideoRecord> video = find(exchange.tenant(), id);
    if (!wait.isZero()) {
      video = video.thenCompose(found -> isUnderWay(found) ? settled(found, wait) : done(found));
    }
    exchange.reply(video.thenApply(found -> Reply.json(200, VideoView.of(found))));
  }

  void delete(Exchange exchange) {
    String id = exchange.path("id");
    exchange.reply(
        CompletableFuture.supplyAsync(
            () -> {
              if (!parts.library().delete(exchange.tenant(), id)) {
                throw StoreException.noSuchVideo(id);
              }
              return Reply.noContent();
            },
            parts.blocking()));
  }

  /**
   * The video of a question. Completes exceptionally when there is none, when it failed, and when
   * it is not ready after the wait that the request is willing to.
   */
  CompletableFuture<VideoRecord> ready(Exchange exchange, String id) {
    return ready(exchange.tenant(), id, Waiting.of(exchange));
  }

  /** The video as {@link #ready(Exchange, String)} has it, after a wait of this length. */
  CompletableFuture<VideoRecord> ready(String tenant, String id, Duration wait) {
    return find(tenant, id)
        .thenCompose(
            video -> isUnderWay(video) && !wait.isZero() ? settled(video, wait) : done(video))
        .thenApply(VideoRoutes::requireReady);
  }

  /** The video as it is when its ingest is over, or when the wait is. */
  CompletableFuture<VideoRecord> settled(VideoRecord video, Duration wait) {
    return now(video, Waiting.atMost(wait, parts.ingest().settled(video.tenant(), video.id())));
  }

  /** What a bounded wait for a video ends with; the video as it is then when the time is over. */
  CompletableFuture<VideoRecord> now(VideoRecord video, CompletableFuture<VideoRecord> waited) {
    return waited.exceptionallyCompose(
        failure ->
            Waiting.isOver(failure)
                ? find(video.tenant(), video.id())
                : CompletableFuture.failedFuture(failure));
  }

  /** The problem of a failed video, which names it. */
  static Optional<Problem> failure(VideoRecord video) {
    return Optional.ofNullable(video.failure())
        .map(failure -> Problems.ofVideo(failure).with("video", video.id()));
  }

  static boolean isUnderWay(VideoRecord video) {
    return video.state() != VideoRecord.State.READY && video.state() != VideoRecord.State.FAILED;
  }

  private CompletableFuture<VideoRecord> find(String tenant, String id) {
    return CompletableFuture.supplyAsync(
        () -> parts.library().find(tenant, id).orElseThrow(() -> StoreException.noSuchVideo(id)),
        parts.blocking());
  }

  static VideoRecord requireReady(VideoRecord video) {
    Optional<Problem> failure = failure(video);
    if (failure.isPresent()) {
      throw failure.get().asException();
    }
    if (isUnderWay(video)) {
      String state = video.state().name().toLowerCase(Locale.ROOT);
      throw Problem.of(
              409,
              "video-not-ready",
              "The video is still %s. Ask again later, or with ?wait=true.".formatted(state))
          .with("state", state)
          .withHeader("Retry-After", "1")
          .asException();
    }
    return video;
  }

  private static CompletableFuture<VideoRecord> done(VideoRecord video) {
    return CompletableFuture.completedFuture(video);
  }

  private static int limit(Exchange exchange) {
    String text = exchange.query("limit").orElse(Integer.toString(DEFAULT_LIMIT));
    if (!text.matches("[0-9]{1,3}") || !inRange(Integer.parseInt(text))) {
      throw Problems.field("limit", "'limit' must be a whole number in [1, " + MAX_LIMIT + "].");
    }
    return Integer.parseInt(text);
  }

  private static boolean inRange(int limit) {
    return limit >= 1 && limit <= MAX_LIMIT;
  }
}
