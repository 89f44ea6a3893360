package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;

/** Collects a JSON body, up to the limit of the configuration. */
final class JsonBytes implements RequestBody {
  private final Exchange exchange;
  private final Route.Handler handler;
  private final int limit;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  JsonBytes(Exchange exchange, Route.Handler handler) {
    this.exchange = exchange;
    this.handler = handler;
    this.limit = exchange.config().maxJsonBytes();
    requireJson(exchange);
    if (exchange.contentLength() > limit) {
      throw tooLarge();
    }
  }

  /** Also keeps forms of other sites out: a browser sends JSON to another site only if allowed. */
  static void requireJson(Exchange exchange) {
    MediaType type = MediaType.of(exchange.header(HttpHeaderNames.CONTENT_TYPE));
    if (!type.is("application/json") && !type.name().endsWith("+json")) {
      throw Problem.of(
              415,
              "unsupported-media-type",
              "The body must be JSON: send the header Content-Type: application/json.")
          .asException();
    }
  }

  @Override
  public CompletableFuture<Void> take(ByteBuf piece) {
    try {
      if (bytes.size() + piece.readableBytes() > limit) {
        return CompletableFuture.failedFuture(tooLarge());
      }
      byte[] copy = new byte[piece.readableBytes()];
      piece.readBytes(copy);
      bytes.writeBytes(copy);
      return CompletableFuture.completedFuture(null);
    } finally {
      piece.release();
    }
  }

  @Override
  public void end() {
    exchange.body(bytes.toByteArray());
    handler.handle(exchange);
  }

  private ProblemException tooLarge() {
    return Problem.of(
            413,
            "too-large",
            "The body is larger than the %d bytes that are allowed.".formatted(limit))
        .asException();
  }
}
