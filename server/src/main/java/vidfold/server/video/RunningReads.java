package vidfold.server.video;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import vidfold.video.Cancellation;

/**
 * Work on video files that runs, or waits to run, on the video pool, and can be stopped: one read
 * by cancelling its future, all reads of a video when it is deleted. Thread-safe.
 */
final class RunningReads {
  private final ExecutorService videoPool;
  private final Map<String, Set<Cancellation>> running = new ConcurrentHashMap<>();

  RunningReads(ExecutorService videoPool) {
    this.videoPool = videoPool;
  }

  /** Starts work on a video; the future fails with whatever the work throws. */
  <T> CompletableFuture<T> start(String video, Function<Cancellation, T> work) {
    Cancellation cancellation = new Cancellation();
    CompletableFuture<T> result = new CompletableFuture<>();
    add(video, cancellation);
    result.whenComplete(
        (value, failure) -> {
          remove(video, cancellation);
          if (result.isCancelled()) {
            cancellation.cancel();
          }
        });
    try {
      videoPool.execute(() -> run(result, cancellation, work));
    } catch (RuntimeException rejected) {
      result.completeExceptionally(rejected);
    }
    return result;
  }

  private static <T> void run(
      CompletableFuture<T> result, Cancellation cancellation, Function<Cancellation, T> work) {
    if (result.isDone()) {
      return;
    }
    try {
      result.complete(work.apply(cancellation));
    } catch (Throwable failure) {
      // Errors too: a video that does not fit into memory must not leave its reader waiting.
      result.completeExceptionally(failure);
    }
  }

  /** Stops all work on a video. */
  void cancel(String video) {
    copy(video).forEach(Cancellation::cancel);
  }

  /** Stops everything. */
  void cancelAll() {
    running.keySet().forEach(this::cancel);
  }

  private void add(String video, Cancellation cancellation) {
    running.compute(
        video,
        (key, all) -> {
          Set<Cancellation> set = all == null ? new HashSet<>() : all;
          set.add(cancellation);
          return set;
        });
  }

  private void remove(String video, Cancellation cancellation) {
    running.computeIfPresent(
        video,
        (key, all) -> {
          all.remove(cancellation);
          return all.isEmpty() ? null : all;
        });
  }

  /** Taken under the map's own lock, which also guards the sets. */
  private Set<Cancellation> copy(String video) {
    Set<Cancellation> copy = new HashSet<>();
    running.computeIfPresent(
        video,
        (key, all) -> {
          copy.addAll(all);
          return all;
        });
    return copy;
  }
}
