package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;

/**
 * An answer as server-sent events: {@code token} with pieces of text, then one {@code answer} with
 * the whole answer object, or one {@code error} with a problem.
 *
 * <p>The response begins with the first event or heartbeat: a question that fails before is
 * answered with the problem's own status. Safe from any thread.
 */
final class EventStream implements AnswerListener {
  static final Duration HEARTBEAT = Duration.ofSeconds(10);
  private static final String MEDIA_TYPE = "text/event-stream";
  private static final byte[] COMMENT = ":\n\n".getBytes(StandardCharsets.UTF_8);

  private final Exchange exchange;
  private final Connection connection;
  private final Deadline heartbeat;

  // On the event loop only.
  private boolean begun;
  private boolean ended;

  EventStream(Exchange exchange, Connection connection) {
    this.exchange = exchange;
    this.connection = connection;
    this.heartbeat = new Deadline(connection.loop());
    connection.onLoop(this::expectSilence);
    exchange.onDisconnect(() -> connection.onLoop(this::stop));
  }

  @Override
  public void onText(String piece) {
    if (!piece.isEmpty()) {
      send("token", Map.of("text", piece));
    }
  }

  @Override
  public void onDone(Answer answer) {
    send("answer", answer);
    connection.onLoop(this::end);
  }

  @Override
  public void onFailed(Throwable cause) {
    Problem problem = Problems.of(cause, exchange.requestId());
    connection.onLoop(
        () -> {
          if (begun) {
            exchange.ends(problem);
            write(event("error", problem.json(exchange.requestId())));
            end();
          } else {
            stop();
            exchange.fail(problem.asException());
          }
        });
  }

  private void send(String name, Object data) {
    byte[] event = event(name, data);
    connection.onLoop(() -> write(event));
  }

  /** JSON holds no line end, so each event has one line of data. */
  private static byte[] event(String name, Object data) {
    String head = "event: " + name + "\ndata: ";
    ByteBuf event =
        Unpooled.wrappedBuffer(
            head.getBytes(StandardCharsets.UTF_8), Json.write(data), new byte[] {'\n', '\n'});
    byte[] bytes = new byte[event.readableBytes()];
    event.readBytes(bytes);
    event.release();
    return bytes;
  }

  private void write(byte[] event) {
    if (ended) {
      return;
    }
    if (!begun && !connection.beginStream(exchange, MEDIA_TYPE)) {
      stop();
      return;
    }
    begun = true;
    connection.stream(exchange, Unpooled.wrappedBuffer(event));
    expectSilence();
  }

  private void expectSilence() {
    if (!ended) {
      heartbeat.set(HEARTBEAT, () -> write(COMMENT));
    }
  }

  private void end() {
    if (!ended) {
      stop();
      connection.endStream(exchange);
    }
  }

  private void stop() {
    ended = true;
    heartbeat.cancel();
  }
}
