package vidfold.server.video;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.server.engine.AnswerService;
import vidfold.server.engine.Question;
import vidfold.server.engine.QueueFullException;
import vidfold.video.VideoException;

/**
 * Takes stored videos through the states of ingest: uploading, probing, decoding, encoding, then
 * ready or failed.
 *
 * <p>Every state is on disk before the work of that state is waited for, so a restart goes on with
 * what was left ({@link #resume}). A video whose ingest was begun {@value #MAX_ATTEMPTS} times
 * without an end is failed: it may be the one that kills the server. A video that fails keeps its
 * metadata, which says why, but not its bytes; the same bytes uploaded again begin anew. A full
 * queue of the engine is no failure: the video waits.
 *
 * <p>No method blocks, {@link #resume} and {@link #close} excepted. Thread-safe. Closed before the
 * answer service.
 */
public final class Ingest implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Ingest.class);
  static final int MAX_ATTEMPTS = 5;
  private static final long QUEUE_FULL_RETRY_MILLIS = 500;
  private static final long CLOSE_SECONDS = 10;

  /**
   * Videos that the engine prepares at a time: one is encoded while the next is decoded. The
   * engine's queue stays free for questions.
   */
  private static final int PARALLEL = 2;

  /** The way of one video; touched by the one thread of {@link #steps}, except where said. */
  private static final class Attempt {
    final String tenant;
    final String id;
    final Question.Options options;

    /** Told to everyone who waits; any thread. */
    final CompletableFuture<VideoRecord> settled = new CompletableFuture<>();

    @Nullable CompletableFuture<?> step;

    Attempt(VideoRecord video, Question.Options options) {
      this.tenant = video.tenant();
      this.id = video.id();
      this.options = options;
    }

    String key() {
      return Ingest.key(tenant, id);
    }
  }

  private final VideoLibrary library;
  private final AnswerService answers;

  /** Runs every change of state, one after the other, off the threads of engine and HTTP. */
  private final ScheduledExecutorService steps;

  // Below: touched by the thread of steps only.
  private final Map<String, Attempt> attempts = new HashMap<>();
  private final Deque<Attempt> waiting = new ArrayDeque<>();
  private int preparing;

  /** Creates the ingest of a library; deleting a video there stops its ingest here. */
  public Ingest(VideoLibrary library, AnswerService answers) {
    this.library = library;
    this.answers = answers;
    this.steps =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "vidfold-ingest");
              thread.setDaemon(true);
              return thread;
            });
    library.onDelete(this::deleted);
  }

  /**
   * Takes a stored video on its way, or joins the way it is on.
   *
   * @return completes with the ready or failed video, exceptionally with {@code NO_SUCH_VIDEO} when
   *     it is deleted meanwhile and with CancellationException when the server stops; what depends
   *     on it must not block. Cancelling it changes nothing.
   */
  public CompletableFuture<VideoRecord> ingest(VideoRecord stored, Question.Options options) {
    Attempt attempt = new Attempt(stored, options);
    if (!execute(() -> join(attempt))) {
      attempt.settled.completeExceptionally(stopped());
    }
    return attempt.settled.copy();
  }

  /** Completes as {@link #ingest} does, at once when no ingest of this video is under way. */
  public CompletableFuture<VideoRecord> settled(String tenant, String id) {
    CompletableFuture<VideoRecord> result = new CompletableFuture<>();
    boolean accepted =
        execute(
            () -> {
              Attempt attempt = attempts.get(key(tenant, id));
              if (attempt != null) {
                forward(attempt.settled, result);
                return;
              }
              try {
                result.complete(library.require(tenant, id));
              } catch (RuntimeException e) {
                result.completeExceptionally(e);
              }
            });
    if (!accepted) {
      result.completeExceptionally(stopped());
    }
    return result;
  }

  /** Goes on with every video that the last run of the server left unfinished; returns how many. */
  public int resume(Question.Options options) {
    List<VideoRecord> unfinished = library.unfinished();
    unfinished.forEach(video -> ingest(video, options));
    return unfinished.size();
  }

  private void join(Attempt attempt) {
    Attempt running = attempts.putIfAbsent(attempt.key(), attempt);
    if (running == null) {
      guarded(attempt, () -> probe(attempt));
    } else {
      forward(running.settled, attempt.settled);
    }
  }

  private void probe(Attempt attempt) {
    VideoRecord video = library.require(attempt.tenant, attempt.id);
    if (video.state() == VideoRecord.State.READY || video.state() == VideoRecord.State.FAILED) {
      settle(attempt, video);
    } else if (library.countAttempt(attempt.tenant, attempt.id) > MAX_ATTEMPTS) {
      settle(attempt, library.fail(attempt.tenant, attempt.id, Failures.INTERRUPTED));
    } else {
      library.enter(attempt.tenant, attempt.id, VideoRecord.State.PROBING);
      follow(attempt, library.probe(attempt.tenant, attempt.id), facts -> await(attempt));
    }
  }

  /** Waits for a place among the videos that the engine prepares. */
  private void await(Attempt attempt) {
    waiting.add(attempt);
    prepareNext();
  }

  private void prepareNext() {
    while (preparing < PARALLEL && !waiting.isEmpty()) {
      Attempt attempt = waiting.remove();
      if (!attempt.settled.isDone()) {
        guarded(attempt, () -> prepare(attempt));
      }
    }
  }

  private void prepare(Attempt attempt) {
    CompletableFuture<Void> prepared =
        answers.prepare(
            attempt.tenant, attempt.id, attempt.options, stage -> entered(attempt, stage));
    preparing++;
    follow(
        attempt,
        prepared,
        nothing ->
            settle(attempt, library.enter(attempt.tenant, attempt.id, VideoRecord.State.READY)));
    prepared.whenComplete(
        (nothing, failure) ->
            execute(
                () -> {
                  preparing--;
                  prepareNext();
                }));
  }

  /** Called by the engine, which must not wait for the disk. */
  private void entered(Attempt attempt, AnswerService.Stage stage) {
    VideoRecord.State state =
        switch (stage) {
          case DECODING -> VideoRecord.State.DECODING;
          case ENCODING -> VideoRecord.State.ENCODING;
        };
    execute(() -> guarded(attempt, () -> library.enter(attempt.tenant, attempt.id, state)));
  }

  /** Goes on when a step is over; a failed step ends the attempt. */
  private <T> void follow(Attempt attempt, CompletableFuture<T> step, Consumer<T> next) {
    attempt.step = step;
    step.whenComplete(
        (value, failure) ->
            execute(
                () ->
                    guarded(
                        attempt,
                        () -> {
                          if (failure == null) {
                            next.accept(value);
                          } else {
                            failed(attempt, Failures.unwrap(failure));
                          }
                        })));
  }

  /** Work for an attempt that is still on its way; what it throws ends the attempt. */
  private void guarded(Attempt attempt, Runnable work) {
    if (attempt.settled.isDone()) {
      return;
    }
    try {
      work.run();
    } catch (RuntimeException e) {
      failed(attempt, Failures.unwrap(e));
    }
  }

  private void failed(Attempt attempt, Throwable failure) {
    if (failure instanceof QueueFullException) {
      later(() -> guarded(attempt, () -> await(attempt)));
    } else if (isGone(failure) || isStop(failure)) {
      stop(attempt, failure);
    } else {
      VideoRecord.Failure told = Failures.of(failure);
      if (failure instanceof VideoException || failure instanceof StoreException) {
        log.info("{} cannot be used: {}", attempt.id, told.type());
      } else {
        log.error("ingest of {} failed", attempt.id, failure);
      }
      try {
        settle(attempt, library.fail(attempt.tenant, attempt.id, told));
      } catch (RuntimeException e) {
        // Left unfinished on disk; the next start goes on with it.
        stop(attempt, e);
      }
    }
  }

  private static boolean isGone(Throwable failure) {
    return failure instanceof StoreException store
        && store.kind() == StoreException.Kind.NO_SUCH_VIDEO;
  }

  /** The server is stopping: no fault of the video, which is left for the next start. */
  private static boolean isStop(Throwable failure) {
    return failure instanceof CancellationException
        || failure instanceof RejectedExecutionException
        || (failure instanceof VideoException video
            && video.reason() == VideoException.Reason.CANCELLED);
  }

  private void settle(Attempt attempt, VideoRecord video) {
    attempts.remove(attempt.key(), attempt);
    attempt.settled.complete(video);
  }

  private void stop(Attempt attempt, Throwable cause) {
    attempts.remove(attempt.key(), attempt);
    attempt.settled.completeExceptionally(cause);
    if (attempt.step != null) {
      attempt.step.cancel(true);
    }
  }

  /** Called on the thread that deleted the video. */
  private void deleted(String tenant, String id) {
    answers.forget(tenant, id);
    execute(
        () -> {
          Attempt attempt = attempts.get(key(tenant, id));
          if (attempt != null) {
            stop(attempt, StoreException.noSuchVideo(id));
            // The prefix may have been finished between the first call and the stop.
            answers.forget(tenant, id);
          }
        });
  }

  private static void forward(
      CompletableFuture<VideoRecord> from, CompletableFuture<VideoRecord> to) {
    from.whenComplete(
        (video, failure) -> {
          if (failure == null) {
            to.complete(video);
          } else {
            to.completeExceptionally(failure);
          }
        });
  }

  private boolean execute(Runnable work) {
    try {
      steps.execute(work);
      return true;
    } catch (RejectedExecutionException closed) {
      return false;
    }
  }

  private void later(Runnable work) {
    try {
      steps.schedule(work, QUEUE_FULL_RETRY_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException closed) {
      log.debug("closed while the engine's queue was full");
    }
  }

  private static CancellationException stopped() {
    return new CancellationException("the server is stopping");
  }

  private static String key(String tenant, String id) {
    return tenant + "/" + id;
  }

  /** Stops all work; what is unfinished stays so on disk, for the next start. */
  @Override
  public void close() {
    execute(() -> List.copyOf(attempts.values()).forEach(attempt -> stop(attempt, stopped())));
    steps.shutdown();
    try {
      if (!steps.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        steps.shutdownNow();
      }
    } catch (InterruptedException e) {
      steps.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
