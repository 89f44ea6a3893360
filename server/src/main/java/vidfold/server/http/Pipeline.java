package vidfold.server.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.group.ChannelGroup;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.WriteTimeoutHandler;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What a new connection goes through, from bytes to requests; turns away those over the limit. */
final class Pipeline extends ChannelInitializer<Channel> {
  private static final int MAX_LINE = 8 << 10;
  private static final int MAX_HEADERS = 16 << 10;
  private static final int MAX_PIECE = 64 << 10;
  private static final String TOO_MANY =
      String.join(
          "\r\n",
          "HTTP/1.1 503 Service Unavailable",
          "Retry-After: 1",
          "Content-Length: 0",
          "Connection: close",
          "",
          "");

  private final Wiring wiring;
  private final ChannelGroup open;
  private final AtomicInteger connections;

  Pipeline(Wiring wiring, ChannelGroup open, AtomicInteger connections) {
    this.wiring = wiring;
    this.open = open;
    this.connections = connections;
  }

  @Override
  protected void initChannel(Channel channel) {
    int count = connections.incrementAndGet();
    channel.closeFuture().addListener(closed -> connections.decrementAndGet());
    open.add(channel);
    if (count > wiring.config().maxConnections()) {
      channel
          .writeAndFlush(Unpooled.copiedBuffer(TOO_MANY, StandardCharsets.US_ASCII))
          .addListener(ChannelFutureListener.CLOSE);
      return;
    }
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.addLast(
        new WriteTimeoutHandler(wiring.config().idleTimeout().toMillis(), TimeUnit.MILLISECONDS));
    pipeline.addLast(
        new HttpRequestDecoder(
            new HttpDecoderConfig()
                .setMaxInitialLineLength(MAX_LINE)
                .setMaxHeaderSize(MAX_HEADERS)
                .setMaxChunkSize(MAX_PIECE)));
    pipeline.addLast(new HttpResponseEncoder());
    pipeline.addLast(new FlowControlHandler());
    pipeline.addLast(new Connection(channel, wiring));
  }
}
