package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;

/** The body of a request that needs none; a few bytes of it are read past. */
final class IgnoredBody implements RequestBody {
  private static final int MOST = 4096;

  private final Exchange exchange;
  private final Route.Handler handler;
  private int seen;

  IgnoredBody(Exchange exchange, Route.Handler handler) {
    this.exchange = exchange;
    this.handler = handler;
  }

  @Override
  public CompletableFuture<Void> take(ByteBuf bytes) {
    seen += bytes.readableBytes();
    bytes.release();
    if (seen > MOST) {
      return CompletableFuture.failedFuture(
          Problem.of(413, "too-large", "This request takes no body.").asException());
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void end() {
    handler.handle(exchange);
  }
}
