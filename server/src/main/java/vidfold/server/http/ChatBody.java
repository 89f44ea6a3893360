package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import vidfold.server.metrics.HttpMeters;
import vidfold.server.video.Upload;
import vidfold.server.video.VideoLibrary;
import vidfold.server.video.VideoRecord;

/**
 * The body of a chat request: a video or pictures in it stream to disk as an upload, which counts
 * only once the rest was found to be in order.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the last write fails with what went wrong before it
final class ChatBody implements RequestBody, DataUrls.Sink {
  private static final Set<String> PICTURES = Set.of("image/png", "image/jpeg", "image/jpg");

  private final ChatRoutes chat;
  private final Exchange exchange;
  private final VideoLibrary library;
  private final HttpMeters meters;
  private final DataUrls urls;

  private @Nullable Upload upload;
  private @Nullable PictureParts pictures;
  private CompletableFuture<Void> written = CompletableFuture.completedFuture(null);

  ChatBody(ChatRoutes chat, Exchange exchange, VideoLibrary library, HttpMeters meters) {
    this.chat = chat;
    this.exchange = exchange;
    this.library = library;
    this.meters = meters;
    this.urls = new DataUrls(exchange.config().maxJsonBytes(), this);
  }

  @Override
  public CompletableFuture<Void> take(ByteBuf bytes) {
    try {
      urls.feed(bytes);
      return written;
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      bytes.release();
    }
  }

  @Override
  public void beginUrl(String mediaType) {
    boolean picture = PICTURES.contains(mediaType);
    if (!picture && !mediaType.startsWith("video/")) {
      throw Problems.field(
          "messages", "A data: URL must be of video/.., image/png or image/jpeg to be read.");
    }
    if (upload != null && (!picture || pictures == null)) {
      throw Problems.field(
          "messages", "'messages' must hold exactly one video or one list of pictures.");
    }
    if (upload == null) {
      Upload begun = library.begin(exchange.tenant(), null, leastBytes());
      upload = begun;
      written = begun.opened();
      pictures = picture ? new PictureParts(begun) : null;
    }
    PictureParts parts = pictures;
    if (parts != null) {
      parts.begin();
    }
  }

  /** What base64 leaves of the announced length; the JSON around it may take some. */
  private long leastBytes() {
    long around = exchange.config().maxJsonBytes();
    return Math.max(-1, (exchange.contentLength() - around) / 4 * 3);
  }

  @Override
  public void data(ByteBuffer bytes) {
    meters.received(bytes.remaining());
    PictureParts parts = pictures;
    if (parts != null) {
      parts.append(bytes);
    } else if (upload != null) {
      written = upload.write(bytes);
    }
  }

  @Override
  public void endUrl() {
    PictureParts parts = pictures;
    if (parts != null) {
      written = parts.endPicture();
    }
  }

  @Override
  public void end() {
    ChatRequest request = chat.read(urls.json());
    ChatConversation conversation = request.conversation();
    PictureParts parts = pictures;
    Upload open = upload;
    if (conversation.pictures() != (parts == null ? 0 : parts.count())
        || conversation.video() != (open != null && parts == null)) {
      throw Problems.field(
          "messages", "Each data: URL must stand, plainly written, in a part's 'url'.");
    }
    if (parts != null) {
      endPictures(parts, request.dials().times());
    }
    CompletableFuture<VideoRecord> video =
        open == null
            ? chat.stored(exchange, conversation)
            : open.finish().thenCompose(chat::ingested);
    chat.answer(exchange, request, video);
  }

  private static void endPictures(PictureParts parts, String times) {
    try {
      parts.end(times);
    } catch (ProblemException e) {
      throw ChatDials.inExtension(e);
    }
  }

  @Override
  public void abort() {
    Upload open = upload;
    if (open != null) {
      open.abort();
    }
  }
}
