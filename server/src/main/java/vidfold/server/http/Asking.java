package vidfold.server.http;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import vidfold.model.ModelInfo;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.Question;
import vidfold.server.video.VideoRecord;

/** Puts questions of requests to the answer service. */
final class Asking {
  private final ServerParts parts;
  private final VideoRoutes videos;

  Asking(ServerParts parts, VideoRoutes videos) {
    this.parts = parts;
    this.videos = videos;
  }

  Question.Options defaults() {
    return parts.defaults();
  }

  ModelInfo model() {
    return parts.status().get().model();
  }

  Executor blocking() {
    return parts.blocking();
  }

  CompletableFuture<VideoRecord> ready(Exchange exchange, String videoId) {
    return videos.ready(exchange, videoId);
  }

  /**
   * Asks; a client that leaves takes its question back, also out of the queue. Blocks shortly, as
   * the question is tokenised here. The listener hears of every failure.
   */
  void ask(Exchange exchange, Question question, AnswerListener listener) {
    exchange.onDisconnect(ask(question, listener));
  }

  /** Asks, and returns what takes the question back. */
  Runnable ask(Question question, AnswerListener listener) {
    try {
      return parts.answers().ask(question, listener)::cancel;
    } catch (RuntimeException refused) {
      listener.onFailed(refused);
      return () -> {};
    }
  }

  /** Who hears the one answer of an exchange: its events, or its whole response. */
  static AnswerListener listener(Exchange exchange, boolean stream) {
    return stream ? exchange.events(new NamedEvents()) : whole(exchange, answer -> answer);
  }

  /** Hears the one answer of an exchange and replies with what the function makes of it. */
  static AnswerListener whole(Exchange exchange, Function<Answer, Object> json) {
    return new WholeAnswer(exchange, json);
  }

  /** Replies with the answer when it is complete. */
  private record WholeAnswer(Exchange exchange, Function<Answer, Object> json)
      implements AnswerListener {
    @Override
    public void onText(String piece) {}

    @Override
    public void onDone(Answer answer) {
      exchange.reply(Reply.json(200, json.apply(answer)));
    }

    @Override
    public void onFailed(Throwable cause) {
      exchange.fail(cause);
    }
  }
}
