package vidfold.server.http;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;

/** What every response begins with. */
final class ResponseHead {
  private ResponseHead() {}

  /**
   * A response's status and the headers that all have.
   *
   * @param keep whether the connection serves another request afterwards
   */
  static HttpResponse of(Exchange asked, int status, boolean keep) {
    HttpResponse head =
        new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status));
    HttpHeaders headers = head.headers();
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

  /** Tells a client that waits for it to send the body. */
  static HttpResponse goOn() {
    return new DefaultFullHttpResponse(
        HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER);
  }
}
