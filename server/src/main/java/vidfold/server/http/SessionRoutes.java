package vidfold.server.http;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import vidfold.server.engine.Question;
import vidfold.server.session.SessionRecord;
import vidfold.server.session.Sessions;
import vidfold.server.session.TurnRecord;
import vidfold.server.video.StoreException;

/** Sessions: several questions about one video, each knowing the ones before. */
final class SessionRoutes {
  private final ServerParts parts;
  private final Sessions sessions;
  private final Asking asking;

  /** Sessions that are being answered: their turns come one after the other. */
  private final Set<String> busy = ConcurrentHashMap.newKeySet();

  SessionRoutes(ServerParts parts, Asking asking) {
    this.parts = parts;
    this.sessions = parts.sessions();
    this.asking = asking;
  }

  void create(Exchange exchange) {
    String video = JsonBody.read(exchange.body(), Set.of("video_id")).text("video_id");
    if (video == null) {
      throw Problems.field("video_id", "'video_id' is missing.");
    }
    exchange.reply(
        CompletableFuture.supplyAsync(
            () -> {
              SessionRecord session = sessions.create(exchange.tenant(), video);
              return Reply.json(201, json(session))
                  .with("Location", "/v1/sessions/" + session.id());
            },
            parts.blocking()));
  }

  void get(Exchange exchange) {
    String id = exchange.path("id");
    exchange.reply(
        CompletableFuture.supplyAsync(
            () -> {
              Map<String, Object> json = json(find(exchange, id));
              List<TurnRecord> turns = sessions.turns(exchange.tenant(), id);
              json.put("turns", turns.stream().map(SessionRoutes::json).toList());
              return Reply.json(200, json);
            },
            parts.blocking()));
  }

  void delete(Exchange exchange) {
    String id = exchange.path("id");
    exchange.reply(
        CompletableFuture.supplyAsync(
            () -> {
              if (!sessions.delete(exchange.tenant(), id)) {
                throw StoreException.noSuchSession(id);
              }
              return Reply.noContent();
            },
            parts.blocking()));
  }

  void message(Exchange exchange) {
    QuestionRequest request =
        QuestionRequest.ofSession(exchange.body(), asking.defaults(), asking.model());
    String id = exchange.path("id");
    CompletableFuture.supplyAsync(() -> find(exchange, id), parts.blocking())
        .thenCompose(session -> asking.ready(exchange, session.videoId()))
        .thenAcceptAsync(video -> ask(exchange, id, video.id(), request), parts.blocking())
        .exceptionally(
            failure -> {
              exchange.fail(failure);
              return null;
            });
  }

  private void ask(Exchange exchange, String id, String video, QuestionRequest request) {
    if (exchange.isGone()) {
      return;
    }
    String tenant = exchange.tenant();
    if (!busy.add(id)) {
      throw Problem.of(409, "session-busy", "Another message of this session is being answered.")
          .withHeader("Retry-After", "1")
          .asException();
    }
    SessionTurn turn;
    try {
      List<Question.Turn> history = sessions.history(tenant, id, asking.model().digest());
      String text = request.texts().get(0);
      Question question = new Question(tenant, video, text, history, id, request.options());
      turn =
          new SessionTurn(
              question,
              Asking.listener(exchange, request.stream()),
              answer -> sessions.append(tenant, id, text, answer),
              () -> busy.remove(id),
              parts.blocking());
    } catch (RuntimeException e) {
      busy.remove(id);
      throw e;
    }
    asking.ask(exchange, turn.question(), turn);
  }

  private SessionRecord find(Exchange exchange, String id) {
    return sessions.find(exchange.tenant(), id).orElseThrow(() -> StoreException.noSuchSession(id));
  }

  private static Map<String, Object> json(SessionRecord session) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", session.id());
    json.put("video_id", session.videoId());
    json.put("created", session.created().toString());
    json.put("last_used", session.lastUsed().toString());
    return json;
  }

  private static Map<String, Object> json(TurnRecord turn) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("turn", turn.turn());
    json.put("question", turn.question());
    json.put("answer", turn.answer());
    json.put("created", turn.created().toString());
    return json;
  }
}
