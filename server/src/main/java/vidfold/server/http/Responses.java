package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Writes responses to a channel. */
@SuppressWarnings("FutureReturnValueIgnored") // what fails closes the channel, which is heard of
final class Responses {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
          .withZone(ZoneOffset.UTC);

  private Responses() {}

  /**
   * Writes a whole response; to HEAD without its body.
   *
   * @param keep whether the connection serves another request afterwards
   */
  static ChannelFuture whole(Channel channel, Exchange asked, Reply reply, boolean keep) {
    HttpResponse head = head(asked, reply.status(), keep);
    reply.headers().forEach(head.headers()::set);
    if (reply.status() != HttpResponseStatus.NO_CONTENT.code()) {
      HttpUtil.setContentLength(head, reply.body().length);
    }
    boolean bare = asked.method().equals(HttpMethod.HEAD);
    ByteBuf bytes = bare ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(reply.body());
    channel.write(head, channel.voidPromise());
    return channel.writeAndFlush(new DefaultLastHttpContent(bytes));
  }

  /** Writes the head of a response that ends when the connection does, or its last chunk came. */
  static void begin(Channel channel, Exchange asked, String mediaType) {
    HttpResponse head = head(asked, HttpResponseStatus.OK.code(), false);
    head.headers().set(HttpHeaderNames.CONTENT_TYPE, mediaType);
    if (asked.head().protocolVersion().equals(HttpVersion.HTTP_1_1)) {
      HttpUtil.setTransferEncodingChunked(head, true);
    }
    channel.write(head, channel.voidPromise());
  }

  /** Tells a client that waits for it to send the body. */
  static void invite(Channel channel) {
    channel.writeAndFlush(
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER),
        channel.voidPromise());
  }

  private static HttpResponse head(Exchange asked, int status, boolean keep) {
    HttpResponse head =
        new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status));
    HttpHeaders headers = head.headers();
    headers.set(HttpHeaderNames.DATE, DATE.format(Instant.now()));
    headers.set(RequestIds.HEADER, asked.requestId());
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set(HttpHeaderNames.CACHE_CONTROL, "no-store");
    if (!keep) {
      headers.set(HttpHeaderNames.CONNECTION, "close");
    } else if (asked.head().protocolVersion().equals(HttpVersion.HTTP_1_0)) {
      headers.set(HttpHeaderNames.CONNECTION, "keep-alive");
    }
    return head;
  }
}
