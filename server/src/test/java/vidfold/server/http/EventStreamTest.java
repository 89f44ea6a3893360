package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import vidfold.server.engine.Question;
import vidfold.server.metrics.HttpMeters;

/** Events on a channel whose clock the test sets. */
class EventStreamTest {
  private final AtomicReference<EventStream> stream = new AtomicReference<>();

  private EmbeddedChannel ask(String version) {
    Router router =
        new Router(
            List.of(
                Route.get("/events", exchange -> stream.set(exchange.events(new NamedEvents())))));
    HttpMeters meters = new HttpMeters(new SimpleMeterRegistry(), () -> 0);
    Wiring wiring =
        new Wiring(
            router, TestServer.config(), new AccessLog(meters), new RequestIds(), () -> false);
    EmbeddedChannel channel =
        new EmbeddedChannel(new HttpRequestDecoder(), new HttpResponseEncoder());
    channel.freezeTime();
    channel.pipeline().addLast(new Connection(channel, wiring));
    channel.writeInbound(
        Unpooled.copiedBuffer(
            "GET /events " + version + "\r\nHost: a\r\n\r\n", StandardCharsets.US_ASCII));
    channel.runPendingTasks();
    return channel;
  }

  private static String written(EmbeddedChannel channel) {
    StringBuilder text = new StringBuilder();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      text.append(out.toString(StandardCharsets.UTF_8));
      out.release();
    }
    return text.toString();
  }

  @Test
  void shouldBreakLongSilences() {
    EmbeddedChannel channel = ask("HTTP/1.1");
    assertThat(written(channel)).isEmpty();

    channel.advanceTimeBy(10, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    assertThat(written(channel)).startsWith("HTTP/1.1 200 OK").endsWith("3\r\n:\n\n\r\n");

    channel.advanceTimeBy(9, TimeUnit.SECONDS);
    stream.get().onText("a");
    channel.runPendingTasks();
    assertThat(written(channel)).contains("event: token\ndata: {\"text\":\"a\"}\n\n");
    channel.advanceTimeBy(9, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    assertThat(written(channel)).isEmpty();
    channel.advanceTimeBy(1, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    assertThat(written(channel)).isEqualTo("3\r\n:\n\n\r\n");
    channel.finishAndReleaseAll();
  }

  @Test
  void shouldEndWithTheAnswerAndSayNothingAfterIt() {
    EmbeddedChannel channel = ask("HTTP/1.0");

    stream.get().onDone(FakeAnswers.answer(question(), "all"));
    stream.get().onText("more");
    channel.runPendingTasks();
    channel.advanceTimeBy(60, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();

    assertThat(written(channel))
        .contains("connection: close")
        .doesNotContain("transfer-encoding")
        .contains("event: answer\ndata: {\"id\":\"ans_1\"")
        .endsWith("\n\n")
        .doesNotContain("more");
    assertThat(channel.isOpen()).isFalse();
    channel.finishAndReleaseAll();
  }

  @Test
  void shouldStopWhenTheClientLeaves() {
    EmbeddedChannel channel = ask("HTTP/1.1");
    stream.get().onText("a");
    channel.runPendingTasks();
    channel.close().syncUninterruptibly();
    channel.runPendingTasks();
    written(channel);

    stream.get().onText("b");
    stream.get().onFailed(new IllegalStateException("late"));
    channel.advanceTimeBy(60, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();

    assertThat(written(channel)).isEmpty();
    channel.finishAndReleaseAll();
  }

  private static Question question() {
    return new Question("default", "vid_1", "q", List.of(), null, TestServer.DEFAULTS);
  }
}
