package vidfold.server.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * One request and the way to answer it.
 *
 * <p>{@link #reply}, {@link #fail} and {@link #onDisconnect} may be called from any thread; the
 * first answer counts, further ones are dropped.
 */
final class Exchange {
  private static final byte[] NOTHING = {};

  /** Until there are API keys, everything belongs to one tenant. */
  private static final String TENANT = "default";

  private final Connection connection;
  private final HttpRequest head;
  private final String requestId;
  private final long startNanos = System.nanoTime();
  private final List<Runnable> disconnectActions = new ArrayList<>();
  private boolean gone;

  // Set before a handler runs.
  private Router.Match match = Router.Match.NONE;
  private byte[] body = NOTHING;
  private BiFunction<Problem, String, Reply> errors = Problem::reply;

  // On the event loop only.
  private @Nullable String problem;

  Exchange(Connection connection, HttpRequest head, String requestId) {
    this.connection = connection;
    this.head = head;
    this.requestId = requestId;
  }

  String tenant() {
    return TENANT;
  }

  String requestId() {
    return requestId;
  }

  long startNanos() {
    return startNanos;
  }

  HttpConfig config() {
    return connection.config();
  }

  HttpRequest head() {
    return head;
  }

  HttpMethod method() {
    return head.method();
  }

  String uri() {
    return head.uri();
  }

  @Nullable String header(CharSequence name) {
    return head.headers().get(name);
  }

  /** The announced length of the body; -1 when there is none. */
  long contentLength() {
    return HttpUtil.getContentLength(head, -1L);
  }

  /** Whether bytes follow the head. */
  boolean announcesBody() {
    return contentLength() > 0 || head.headers().contains(HttpHeaderNames.TRANSFER_ENCODING);
  }

  /** The template of the path. */
  String template() {
    return match.template();
  }

  /** The value of a name in the path's template. */
  String path(String name) {
    String value = match.path().get(name);
    if (value == null) {
      throw new IllegalStateException("no '" + name + "' in " + match.template());
    }
    return value;
  }

  /** The first value of a query parameter. */
  Optional<String> query(String name) {
    return Optional.ofNullable(match.query().get(name)).map(values -> values.get(0));
  }

  /** The body of a route that reads it whole; not to be changed. */
  byte[] body() {
    return body;
  }

  void matched(Router.Match found) {
    match = found;
  }

  void body(byte[] bytes) {
    body = bytes;
  }

  /** Sets how this request is told of problems: from the problem and the request's id. */
  void tellErrors(BiFunction<Problem, String, Reply> shape) {
    errors = shape;
  }

  /** Answers. */
  void reply(Reply reply) {
    connection.onLoop(() -> connection.answer(this, reply));
  }

  /** Answers when the future completes. */
  @SuppressWarnings("FutureReturnValueIgnored") // both outcomes are answered
  void reply(CompletableFuture<Reply> later) {
    later.whenComplete(
        (reply, failure) -> {
          if (failure == null) {
            reply(reply);
          } else {
            fail(failure);
          }
        });
  }

  /** Answers with the problem that a failure is. */
  void fail(Throwable failure) {
    Problem told = Problems.of(failure, requestId);
    Reply reply = errors.apply(told, requestId);
    connection.onLoop(() -> answer(told, reply));
  }

  private void answer(Problem told, Reply reply) {
    if (connection.isOpen(this)) {
      ends(told);
      connection.answer(this, reply);
    }
  }

  /** Notes the problem that this exchange ends with; on the event loop. */
  void ends(Problem told) {
    problem = told.type();
  }

  /** The type of the problem that this exchange ended with, or null; on the event loop. */
  @Nullable String problem() {
    return problem;
  }

  /** Answers with a stream of events, which begins when the first one is sent. */
  EventStream events(AnswerEvents events) {
    return new EventStream(this, connection, events);
  }

  /** Runs an action when the client goes away before it is answered; at once when it has. */
  void onDisconnect(Runnable action) {
    synchronized (this) {
      if (!gone) {
        disconnectActions.add(action);
        return;
      }
    }
    action.run();
  }

  /** Whether the client went away before it was answered. */
  synchronized boolean isGone() {
    return gone;
  }

  void disconnected() {
    List<Runnable> actions;
    synchronized (this) {
      gone = true;
      actions = List.copyOf(disconnectActions);
      disconnectActions.clear();
    }
    actions.forEach(Runnable::run);
  }
}
