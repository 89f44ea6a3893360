package vidfold.server.http;

import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.Question;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.VideoRecord;

/** {@code POST /v1/chat/completions}: a question and its history in the words of OpenAI's API. */
final class ChatRoutes {
  private final ServerParts parts;
  private final Asking asking;
  private final VideoRoutes videos;
  private final HttpMeters meters;

  ChatRoutes(ServerParts parts, Asking asking, VideoRoutes videos, HttpMeters meters) {
    this.parts = parts;
    this.asking = asking;
    this.videos = videos;
    this.meters = meters;
  }

  RequestBody open(Exchange exchange) {
    exchange.tellErrors(ChatError::reply);
    JsonBytes.requireJson(exchange);
    return new ChatBody(this, exchange, parts.library(), meters);
  }

  ChatRequest read(byte[] json) {
    return ChatRequest.read(json, asking.defaults(), asking.model());
  }

  /** The video that a conversation names, when it is ready. */
  CompletableFuture<VideoRecord> stored(Exchange exchange, ChatConversation conversation) {
    String id = Objects.requireNonNull(conversation.videoId());
    return videos.ready(exchange.tenant(), id, Waiting.LONGEST);
  }

  /** A video that a request brought, when it is ready; at once when it was known already. */
  CompletableFuture<VideoRecord> ingested(VideoRecord video) {
    CompletableFuture<VideoRecord> ingest = parts.ingest().ingest(video, parts.defaults());
    return videos
        .now(video, Waiting.atMost(Waiting.LONGEST, ingest))
        .thenApply(VideoRoutes::requireReady);
  }

  /** Asks when the video is there. */
  void answer(Exchange exchange, ChatRequest request, CompletableFuture<VideoRecord> video) {
    video
        .thenAcceptAsync(ready -> ask(exchange, ready.id(), request), asking.blocking())
        .exceptionally(
            failure -> {
              exchange.fail(failure);
              return null;
            });
  }

  private void ask(Exchange exchange, String video, ChatRequest request) {
    if (exchange.isGone()) {
      return;
    }
    ChatConversation asked = request.conversation();
    ChatDials dials = request.dials();
    Question question =
        new Question(
            exchange.tenant(), video, asked.text(), asked.history(), null, dials.options());
    ChatCompletion completion =
        new ChatCompletion(
            "chatcmpl-" + exchange.requestId(),
            Instant.now().getEpochSecond(),
            asking.model().name(),
            dials.topLogprobs());
    AnswerListener listener =
        request.stream()
            ? exchange.events(new ChatChunks(completion, request.includeUsage()))
            : Asking.whole(exchange, completion::whole);
    asking.ask(exchange, question, listener);
  }
}
