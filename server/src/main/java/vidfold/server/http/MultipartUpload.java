package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.Upload;
import vidfold.server.video.VideoLibrary;

/**
 * A form whose one file is the video: the part that has a file name, or is called {@code file}. Or
 * parts called {@code frames}, each a picture, and {@code times}, a JSON list of when each is
 * shown; they become one video. Other parts are read past.
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

  private final StringBuilder times = new StringBuilder();

  private @Nullable Upload upload;
  private @Nullable PictureParts pictures;
  private Part part = Part.OTHER;
  private int rest;
  private CompletableFuture<Void> written = CompletableFuture.completedFuture(null);

  /** What a part of the form is. */
  private enum Part {
    FILE,
    FRAME,
    TIMES,
    OTHER
  }

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
    endPicture();
    String name = FileName.of(disposition);
    part = kind(disposition.parameter("name").orElse(""), name);
    if (part == Part.FILE) {
      if (upload != null) {
        throw malformed("A form holds one file; send each video in a request of its own.");
      }
      begin(name);
    } else if (part == Part.FRAME) {
      frame(name);
    }
  }

  private static Part kind(String field, @Nullable String fileName) {
    return switch (field) {
      case "frames" -> Part.FRAME;
      case "times" -> Part.TIMES;
      default -> fileName != null || field.equals("file") ? Part.FILE : Part.OTHER;
    };
  }

  private Upload begin(@Nullable String name) {
    long least = Math.max(-1, exchange.contentLength() - MAX_REST);
    Upload begun = library.begin(exchange.tenant(), exchange.query("name").orElse(name), least);
    upload = begun;
    written = begun.opened();
    return begun;
  }

  private void frame(@Nullable String name) {
    PictureParts parts = pictures;
    if (parts == null) {
      if (upload != null) {
        throw malformed("A form holds a file or frames, not both.");
      }
      parts = new PictureParts(begin(name));
      pictures = parts;
    }
    parts.begin();
  }

  private void endPicture() {
    PictureParts parts = pictures;
    if (parts != null) {
      written = parts.endPicture();
    }
  }

  @Override
  public void data(ByteBuffer bytes) {
    Upload open = upload;
    PictureParts parts = pictures;
    if (part == Part.FILE && open != null) {
      written = open.write(bytes);
    } else if (part == Part.FRAME && parts != null) {
      parts.append(bytes);
    } else {
      rest(bytes);
    }
  }

  private void rest(ByteBuffer bytes) {
    rest += bytes.remaining();
    if (rest > MAX_REST) {
      throw Problem.of(413, "too-large", "What is around the file of the form is too large.")
          .asException();
    }
    if (part == Part.TIMES) {
      times.append(StandardCharsets.ISO_8859_1.decode(bytes));
    }
  }

  @Override
  public void end() {
    parser.end();
    Upload open = upload;
    if (open == null) {
      throw malformed("The form holds no file and no frames.");
    }
    PictureParts parts = pictures;
    if (parts != null) {
      endPicture();
      parts.end(times.toString());
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
