package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.Upload;
import vidfold.server.video.VideoLibrary;

/**
 * A form whose one file is the video: the part that has a file name, or is called {@code file}.
 * Other parts are read past.
 */
@SuppressWarnings("FutureReturnValueIgnored") // failures end the exchange
final class MultipartUpload implements RequestBody, MultipartParser.Sink {
  /** What a form may have around its file. */
  private static final int MAX_REST = 64 << 10;

  private final VideoLibrary library;
  private final Exchange exchange;
  private final HttpMeters meters;
  private final UploadHandler.Stored stored;
  private final MultipartParser parser;

  private @Nullable Upload upload;
  private boolean inFile;
  private int rest;
  private CompletableFuture<Void> written = CompletableFuture.completedFuture(null);

  MultipartUpload(
      VideoLibrary library,
      Exchange exchange,
      HttpMeters meters,
      MediaType type,
      UploadHandler.Stored stored) {
    this.library = library;
    this.exchange = exchange;
    this.meters = meters;
    this.stored = stored;
    this.parser = new MultipartParser(type.parameter("boundary").orElse(""), this);
  }

  @Override
  public CompletableFuture<Void> take(ByteBuf bytes) {
    try {
      meters.received(bytes.readableBytes());
      parser.feed(bytes);
      return written;
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      bytes.release();
    }
  }

  @Override
  public void part(MediaType disposition) {
    String name = FileName.of(disposition);
    inFile = name != null || disposition.parameter("name").orElse("").equals("file");
    if (!inFile) {
      return;
    }
    if (upload != null) {
      throw malformed("A form holds one file; send each video in a request of its own.");
    }
    long least = Math.max(-1, exchange.contentLength() - MAX_REST);
    upload = library.begin(exchange.tenant(), exchange.query("name").orElse(name), least);
    written = upload.opened();
  }

  @Override
  public void data(ByteBuffer bytes) {
    Upload open = upload;
    if (inFile && open != null) {
      written = open.write(bytes);
      return;
    }
    rest += bytes.remaining();
    if (rest > MAX_REST) {
      throw Problem.of(413, "too-large", "What is around the file of the form is too large.")
          .asException();
    }
  }

  @Override
  public void end() {
    parser.end();
    Upload open = upload;
    if (open == null) {
      throw malformed("The form holds no file.");
    }
    open.finish()
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
    Upload open = upload;
    if (open != null) {
      open.abort();
    }
  }

  private static ProblemException malformed(String detail) {
    return Problem.of(400, "malformed-form", detail).asException();
  }
}
