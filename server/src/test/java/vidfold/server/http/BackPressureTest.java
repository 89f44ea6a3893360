package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.util.internal.PlatformDependent;
import java.io.FilterInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.LibraryConfig;

class BackPressureTest {

  /** Keeps every piece until the test lets it go. */
  private static final class SlowBody implements RequestBody {
    final Deque<CompletableFuture<Void>> waiting = new ArrayDeque<>();
    long taken;
    boolean ended;

    @Override
    public CompletableFuture<Void> take(ByteBuf bytes) {
      taken += bytes.readableBytes();
      bytes.release();
      CompletableFuture<Void> step = new CompletableFuture<>();
      waiting.add(step);
      return step;
    }

    @Override
    public void end() {
      ended = true;
    }
  }

  @Test
  void shouldReadNothingWhileThePieceBeforeIsBeingWritten() {
    SlowBody body = new SlowBody();
    Router router = new Router(List.of(new Route(HttpMethod.POST, "/slow", exchange -> body)));
    AtomicLong reads = new AtomicLong();
    EmbeddedChannel channel = channel(router, reads);
    channel.writeInbound(ascii("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n"));
    for (int i = 0; i < 4; i++) {
      channel.writeInbound(Unpooled.wrappedBuffer(new byte[50_000]));
      channel.runPendingTasks();
    }
    long readsBefore = reads.get();

    assertThat(body.waiting).hasSize(1);
    assertThat(body.taken).isLessThanOrEqualTo(64 << 10);
    channel.runPendingTasks();
    assertThat(reads).hasValue(readsBefore);

    channel.writeInbound(Unpooled.wrappedBuffer(new byte[100_000]));
    while (!body.waiting.isEmpty()) {
      assertThat(body.waiting).hasSize(1);
      body.waiting.remove().complete(null);
      channel.runPendingTasks();
    }
    assertThat(body.taken).isEqualTo(300_000);
    assertThat(body.ended).isTrue();
    channel.finishAndReleaseAll();
  }

  private static EmbeddedChannel channel(Router router, AtomicLong reads) {
    EmbeddedChannel channel = new EmbeddedChannel(false, false);
    channel.config().setAutoRead(false);
    HttpMeters meters = new HttpMeters(new SimpleMeterRegistry(), () -> 0);
    Wiring wiring =
        new Wiring(
            router, TestServer.config(), new AccessLog(meters), new RequestIds(), () -> false);
    channel
        .pipeline()
        .addLast(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void read(ChannelHandlerContext ctx) throws Exception {
                reads.incrementAndGet();
                super.read(ctx);
              }
            },
            new HttpRequestDecoder(),
            new HttpResponseEncoder(),
            new FlowControlHandler());
    try {
      channel.register();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    channel.pipeline().addLast(new Connection(channel, wiring));
    channel.pipeline().fireChannelActive();
    return channel;
  }

  private static ByteBuf ascii(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
  }

  @Test
  void shouldStreamAVideoThatIsLargerThanWhatMayBeHeld(@TempDir Path folder) throws Exception {
    long size = 256L << 20;
    LibraryConfig limits = new LibraryConfig(1L << 30, 0, 1L << 30);
    try (TestServer server = new TestServer(folder, TestServer.config(), limits)) {
      server.answers.holdPreparations();
      long before = PlatformDependent.usedDirectMemory();
      AtomicLong most = new AtomicLong();

      TestServer.Response response =
          server.send(
              server
                  .request("/v1/videos")
                  .header("Content-Type", "application/octet-stream")
                  .POST(
                      HttpRequest.BodyPublishers.ofInputStream(
                          () ->
                              new FilterInputStream(new UploadHttpTest.Zeros(size)) {
                                @Override
                                public int read(byte[] b, int offset, int length)
                                    throws IOException {
                                  most.accumulateAndGet(
                                      PlatformDependent.usedDirectMemory(), Math::max);
                                  return super.read(b, offset, length);
                                }
                              })));

      assertThat(response.status()).isEqualTo(202);
      assertThat(response.json().get("bytes").asLong()).isEqualTo(size);
      assertThat(most.get() - before).isLessThan(32L << 20);
      assertThat(server.get("/metrics").text()).contains("vidfold_upload_bytes_total 2.68435456E8");
    }
  }
}
