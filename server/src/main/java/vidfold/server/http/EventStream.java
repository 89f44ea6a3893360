package vidfold.server.http;

import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;

/**
 * An answer as server-sent events.
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
  private final AnswerEvents events;
  private final Deadline heartbeat;

  // On the event loop only.
  private boolean begun;
  private boolean ended;

  EventStream(Exchange exchange, Connection connection, AnswerEvents events) {
    this.exchange = exchange;
    this.connection = connection;
    this.events = events;
    this.heartbeat = new Deadline(connection.loop());
    connection.onLoop(this::expectSilence);
    exchange.onDisconnect(() -> connection.onLoop(this::stop));
  }

  @Override
  public void onText(String piece) {
    if (!piece.isEmpty()) {
      send(events.text(piece));
    }
  }

  @Override
  public void onDone(Answer answer) {
    send(events.done(answer));
    connection.onLoop(this::end);
  }

  @Override
  public void onFailed(Throwable cause) {
    Problem problem = Problems.of(cause, exchange.requestId());
    connection.onLoop(
        () -> {
          if (begun) {
            exchange.ends(problem);
            write(events.failed(problem, exchange.requestId()));
            end();
          } else {
            stop();
            exchange.fail(problem.asException());
          }
        });
  }

  private void send(byte[] event) {
    connection.onLoop(() -> write(event));
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
