package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;

/**
 * What becomes of the body of one request. All calls come from the connection's event loop; none
 * may block.
 */
interface RequestBody {

  /** Completes when the first bytes may come, exceptionally when none are wanted. */
  default CompletableFuture<Void> ready() {
    return CompletableFuture.completedFuture(null);
  }

  /**
   * Takes bytes and releases them.
   *
   * @return completes when more may come, exceptionally when the request is to end with a problem
   */
  CompletableFuture<Void> take(ByteBuf bytes);

  /** All bytes are taken: the request can be served. What is thrown ends it with a problem. */
  void end();

  /** The rest will not come; {@link #end} is not called. */
  default void abort() {}
}
