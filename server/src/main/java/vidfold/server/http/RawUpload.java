package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.Upload;
import vidfold.server.video.VideoLibrary;

/** A body that is the video. */
@SuppressWarnings("FutureReturnValueIgnored") // failures end the exchange
final class RawUpload implements RequestBody {
  private final Exchange exchange;
  private final HttpMeters meters;
  private final UploadHandler.Stored stored;
  private final Upload upload;

  RawUpload(
      VideoLibrary library, Exchange exchange, HttpMeters meters, UploadHandler.Stored stored) {
    this.exchange = exchange;
    this.meters = meters;
    this.stored = stored;
    this.upload = library.begin(exchange.tenant(), name(exchange), exchange.contentLength());
  }

  private static @Nullable String name(Exchange exchange) {
    return exchange
        .query("name")
        .orElseGet(
            () -> FileName.of(MediaType.of(exchange.header(HttpHeaderNames.CONTENT_DISPOSITION))));
  }

  @Override
  public CompletableFuture<Void> ready() {
    return upload.opened();
  }

  @Override
  public CompletableFuture<Void> take(ByteBuf bytes) {
    meters.received(bytes.readableBytes());
    return upload.write(bytes.nioBuffer()).whenComplete((nothing, failure) -> bytes.release());
  }

  @Override
  public void end() {
    upload
        .finish()
        .whenComplete(
            (video, failure) -> {
              if (failure == null) {
                stored.video(video);
              } else {
                exchange.fail(failure);
              }
            });
  }

  @Override
  public void abort() {
    upload.abort();
  }
}
