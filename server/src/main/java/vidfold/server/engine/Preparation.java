package vidfold.server.engine;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** A prefix that is built ahead of any question. */
final class Preparation implements Waiter {
  private final VariantKey variant;
  private final VideoKey video;
  private final Question.Options options;
  private final Consumer<AnswerService.Stage> stages;
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private boolean queued = true;

  Preparation(
      VariantKey variant,
      VideoKey video,
      Question.Options options,
      Consumer<AnswerService.Stage> stages) {
    this.variant = variant;
    this.video = video;
    this.options = options;
    this.stages = stages;
  }

  /** Completes when the prefix is there; cancelling it gives the preparation up. */
  CompletableFuture<Void> done() {
    return done;
  }

  void fail(Throwable cause) {
    done.completeExceptionally(cause);
  }

  @Override
  public VariantKey variant() {
    return variant;
  }

  @Override
  public VideoKey video() {
    return video;
  }

  @Override
  public Question.Options options() {
    return options;
  }

  @Override
  public boolean isOver() {
    return done.isDone();
  }

  @Override
  public boolean isQueued() {
    return queued;
  }

  @Override
  public void requeue() {
    queued = true;
  }

  @Override
  public void onDecoding() {
    queued = false;
    stages.accept(AnswerService.Stage.DECODING);
  }

  @Override
  public void onEncoding() {
    queued = false;
    stages.accept(AnswerService.Stage.ENCODING);
  }

  @Override
  public void onPrefix(PrefixLease lease, boolean hit) {
    lease.close();
    done.complete(null);
  }
}
