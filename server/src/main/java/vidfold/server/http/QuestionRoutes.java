package vidfold.server.http;

import java.util.List;
import vidfold.server.engine.Question;

/** Questions about a video. */
final class QuestionRoutes {
  private final Asking asking;

  QuestionRoutes(Asking asking) {
    this.asking = asking;
  }

  void ask(Exchange exchange) {
    QuestionRequest request =
        QuestionRequest.ofVideo(exchange.body(), asking.defaults(), asking.model());
    String video = exchange.path("id");
    asking
        .ready(exchange, video)
        .thenAcceptAsync(ready -> ask(exchange, video, request), asking.blocking())
        .exceptionally(
            failure -> {
              exchange.fail(failure);
              return null;
            });
  }

  private void ask(Exchange exchange, String video, QuestionRequest request) {
    if (exchange.isGone()) {
      return;
    }
    List<Question> questions =
        request.texts().stream()
            .map(
                text ->
                    new Question(
                        exchange.tenant(), video, text, List.of(), null, request.options()))
            .toList();
    if (request.many()) {
      new QuestionBatch(exchange, asking, questions).start();
    } else {
      asking.ask(exchange, questions.get(0), Asking.listener(exchange, request.stream()));
    }
  }
}
