package vidfold.server.video;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A video that is arriving.
 *
 * <p>No call blocks: each is queued, runs on the library's I/O threads after the calls before it,
 * and returns a future. <b>Back-pressure</b> is the caller's: it stops reading from the network
 * until the future of its last {@link #write} is complete, and leaves the buffer alone until then.
 * What depends on a future runs on the I/O threads and must not block. After a failure every
 * further call fails with the same {@link StoreException} or I/O error (as the cause of a {@code
 * CompletionException}), and what was written is already removed.
 *
 * <p>The caller ends each upload with {@link #finish} or {@link #abort}; abort may be called any
 * number of times, also after finish. Calls come from one thread at a time.
 */
public final class Upload {
  private static final Logger log = LoggerFactory.getLogger(Upload.class);

  /** Bytes between two looks at the free space of the disk. */
  private static final long SPACE_CHECK_BYTES = 64L << 20;

  /** What has wholly arrived and is synced. */
  record Received(String id, String tenant, String name, String sha256, long bytes) {}

  /** Who the upload is for, and the most bytes it may have. */
  record Target(String id, String tenant, String name, LibraryConfig limits) {}

  /** Takes what arrived into the library; blocks for the disk. */
  interface Admission {
    VideoRecord admit(Received received) throws IOException;
  }

  private final Target target;
  private final VideoFiles files;
  private final Executor io;
  private final Admission admission;
  private final Consumer<Upload> onEnd;
  private final MessageDigest digest = sha256();

  private CompletableFuture<?> tail;
  private final CompletableFuture<Void> opened;
  private boolean finishing;

  // Below: touched only by steps, which run one after the other.
  private @Nullable FileChannel file;
  private long received;
  private long nextSpaceCheck = SPACE_CHECK_BYTES;
  private boolean ended;

  Upload(
      Target target, VideoFiles files, Executor io, Admission admission, Consumer<Upload> onEnd) {
    this.target = target;
    this.files = files;
    this.io = io;
    this.admission = admission;
    this.onEnd = onEnd;
    this.tail = CompletableFuture.completedFuture(null);
    this.opened = new CompletableFuture<>();
  }

  /** The first step: room on the disk and a file; {@code declared} is -1 when unknown. */
  Upload start(long declared) {
    step(() -> {
          requireSpace(Math.max(declared, 0));
          file = files.openIncoming(target.id());
          return null;
        })
        .whenComplete(
            (nothing, failure) -> {
              if (failure == null) {
                opened.complete(null);
              } else {
                opened.completeExceptionally(failure);
              }
            });
    return this;
  }

  /**
   * Completes when the upload may begin, exceptionally with {@code STORAGE_FULL} when the disk has
   * no room; a server waits for it before it answers {@code 100 Continue}.
   */
  public CompletableFuture<Void> opened() {
    return opened.copy();
  }

  /**
   * Appends all remaining bytes; completes when they are written and the buffer is free again,
   * exceptionally with {@code TOO_LARGE} or {@code STORAGE_FULL}.
   */
  public CompletableFuture<Void> write(ByteBuffer bytes) {
    return step(
        () -> {
          append(bytes);
          return null;
        });
  }

  /**
   * Ends the upload; completes with the stored video when it would survive a power cut. The same
   * bytes give the same video: one that the tenant has already is returned as it is, and a failed
   * one begins again.
   */
  public CompletableFuture<VideoRecord> finish() {
    synchronized (this) {
      if (finishing) {
        throw new IllegalStateException("the upload is already finished");
      }
      finishing = true;
    }
    return step(this::complete);
  }

  /** Drops what arrived; does nothing once {@link #finish} was called. */
  public synchronized CompletableFuture<Void> abort() {
    CompletableFuture<Void> next =
        tail.handleAsync(
            (ignored, failure) -> {
              discard();
              return null;
            },
            io);
    tail = next.thenCompose(ignored -> CompletableFuture.failedFuture(aborted()));
    return next;
  }

  private static StoreException aborted() {
    return new StoreException(StoreException.Kind.NO_SUCH_VIDEO, "The upload was aborted.");
  }

  private synchronized <T> CompletableFuture<T> step(Callable<@Nullable T> work) {
    CompletableFuture<T> next = tail.thenApplyAsync(ignored -> run(work), io);
    tail = next;
    return next.copy();
  }

  @SuppressWarnings("NullAway") // a step without a result completes its future with null
  private <T> T run(Callable<@Nullable T> work) {
    try {
      return work.call();
    } catch (IOException e) {
      discard();
      throw new UncheckedIOException("an upload could not be written", e);
    } catch (RuntimeException e) {
      discard();
      throw e;
    } catch (Exception e) {
      discard();
      throw new IllegalStateException("an upload could not be written", e);
    }
  }

  private void append(ByteBuffer bytes) throws IOException {
    int count = bytes.remaining();
    if (received + count > target.limits().maxBytes()) {
      throw tooLarge(target.limits());
    }
    if (received + count > nextSpaceCheck) {
      requireSpace(count);
      nextSpaceCheck = received + count + SPACE_CHECK_BYTES;
    }
    digest.update(bytes.duplicate());
    try {
      while (bytes.hasRemaining()) {
        open().write(bytes);
      }
    } catch (IOException e) {
      requireSpace(count);
      throw e;
    }
    received += count;
  }

  private VideoRecord complete() throws IOException {
    FileChannel channel = open();
    try {
      channel.force(true);
    } catch (IOException e) {
      requireSpace(0);
      throw e;
    }
    channel.close();
    VideoRecord video =
        admission.admit(
            new Received(
                target.id(),
                target.tenant(),
                target.name(),
                HexFormat.of().formatHex(digest.digest()),
                received));
    discard();
    return video;
  }

  private FileChannel open() {
    FileChannel channel = file;
    if (channel == null || ended) {
      throw aborted();
    }
    return channel;
  }

  private void requireSpace(long wanted) throws IOException {
    if (files.usableBytes() - wanted < target.limits().freeDiskFloor()) {
      throw new StoreException(
          StoreException.Kind.STORAGE_FULL, "The server has no room left for this video.");
    }
  }

  static StoreException tooLarge(LibraryConfig limits) {
    return new StoreException(
        StoreException.Kind.TOO_LARGE,
        "The video is larger than the " + limits.maxBytes() + " bytes that are allowed.");
  }

  /** Closes and removes the incoming file where it still is; safe to repeat. */
  private void discard() {
    if (ended) {
      return;
    }
    ended = true;
    FileChannel channel = file;
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        log.warn("cannot close an upload", e);
      }
      files.delete(files.incomingPath(target.id()));
    }
    onEnd.accept(this);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
