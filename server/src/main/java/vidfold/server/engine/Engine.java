package vidfold.server.engine;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import vidfold.model.VideoLlm;
import vidfold.server.metrics.EngineMeters;

/**
 * Answers questions on one inference thread, which alone touches the device.
 *
 * <p>Listeners, stages and what depends on the future of {@link #prepare} are called on that
 * thread: they must not block. A model that is given here must not be used elsewhere while the
 * engine runs; it is not closed by the engine. Thread-safe.
 */
public final class Engine implements AnswerService, AutoCloseable {
  private final VideoLlm llm;
  private final FrameSource frames;
  private final EngineConfig config;
  private final InferenceLoop loop;
  private final Thread thread;
  private final AtomicInteger places = new AtomicInteger();
  private volatile boolean closed;
  private final TimeOrderedIds ids = new TimeOrderedIds(Clock.systemUTC());

  /** Creates an engine, which answers nothing before {@link #start}. */
  public Engine(VideoLlm llm, FrameSource frames, EngineConfig config, MeterRegistry registry) {
    this.llm = llm;
    this.frames = frames;
    this.config = config;
    EngineMeters meters = new EngineMeters(registry);
    this.loop = new InferenceLoop(llm, frames, config, meters, places);
    this.thread = new Thread(loop::run, "vidfold-inference");
    thread.setDaemon(true);
    meters.observe(places::get, () -> status().running());
    meters.observeBytes(() -> status().prefixBytes(), () -> status().visualBytes());
  }

  /** Starts the inference thread. */
  public void start() {
    thread.start();
  }

  /** What the engine was doing at the end of its last step. */
  public EngineStatus status() {
    return loop.status();
  }

  /**
   * {@inheritDoc}
   *
   * <p>The question is tokenised on the calling thread. A question that can never be answered (no
   * such video, a merge layer that the model does not have, too long for the context) fails through
   * its listener.
   *
   * @throws CancellationException when the engine is closed
   */
  @Override
  public Cancellation ask(Question question, AnswerListener listener) {
    takePlace();
    Sequence sequence;
    try {
      sequence = new Sequence(ids.next("ans_"), question, listener, asked(question));
    } catch (RuntimeException e) {
      send(
          () -> {
            places.decrementAndGet();
            listener.onFailed(e);
          });
      return () -> {};
    }
    send(() -> loop.add(sequence));
    return () -> loop.send(() -> loop.cancel(sequence));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Takes a place in the queue until the prefix is there.
   */
  @Override
  public CompletableFuture<Void> prepare(
      String tenant, String videoId, Question.Options options, Consumer<Stage> stages) {
    Preparation preparation;
    try {
      VariantKey variant = variant(tenant, videoId, options);
      takePlace();
      preparation = new Preparation(variant, new VideoKey(tenant, videoId), options, stages);
      send(() -> loop.add(preparation));
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
    preparation
        .done()
        .whenComplete(
            (nothing, failure) -> {
              if (preparation.done().isCancelled()) {
                loop.send(() -> loop.cancel(preparation));
              }
            });
    return preparation.done();
  }

  @Override
  public void forget(String tenant, String videoId) {
    loop.send(() -> loop.forget(new VideoKey(tenant, videoId)));
  }

  /**
   * Lets accepted work finish for the configured grace, fails the rest with CancellationException
   * and frees all native memory but the model. Not to be called from a listener.
   */
  @Override
  public void close() {
    closed = true;
    loop.send(() -> loop.stop(config.drainGrace()));
    if (thread.getState() == Thread.State.NEW) {
      thread.start();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Completes when the books were found to agree with the memory, exceptionally when not. */
  CompletableFuture<Void> checkIntegrity() {
    CompletableFuture<Void> checked = new CompletableFuture<>();
    boolean sent =
        loop.send(
            () -> {
              try {
                loop.checkIntegrity();
                checked.complete(null);
              } catch (IllegalStateException e) {
                checked.completeExceptionally(e);
              }
            });
    if (!sent) {
      checked.completeExceptionally(stopped());
    }
    return checked;
  }

  private Sequence.Asked asked(Question question) {
    return new Sequence.Asked(
        variant(question.tenant(), question.videoId(), question.options()), ownTokens(question));
  }

  private VariantKey variant(String tenant, String videoId, Question.Options options) {
    int layers = llm.info().layers();
    if (options.prefix().mergeLayer() >= layers) {
      throw new IllegalArgumentException(
          "merge layer must be below the model's %d layers but was %d"
              .formatted(layers, options.prefix().mergeLayer()));
    }
    return VariantKey.of(llm.info(), tenant, frames.sha256(tenant, videoId), options);
  }

  /** The history of the session and the question, exactly as a sequence is fed them. */
  private int[] ownTokens(Question question) {
    IntStream tokens = IntStream.empty();
    boolean first = true;
    for (Question.Turn turn : question.history()) {
      tokens = IntStream.concat(tokens, turnTokens(turn.question(), first));
      tokens = IntStream.concat(tokens, answerTokens(turn));
      first = false;
    }
    return IntStream.concat(tokens, turnTokens(question.text(), first)).toArray();
  }

  private IntStream turnTokens(String text, boolean first) {
    return IntStream.of(first ? llm.questionTokens(text) : llm.nextTurnTokens(text));
  }

  private IntStream answerTokens(Question.Turn turn) {
    List<Integer> sampled = turn.answerTokens();
    return sampled == null
        ? IntStream.of(llm.answerTokens(turn.answer()))
        : sampled.stream().mapToInt(Integer::intValue);
  }

  private void takePlace() {
    if (closed) {
      throw stopped();
    }
    int limit = config.queueLimit();
    if (places.getAndUpdate(taken -> Math.min(limit, taken + 1)) >= limit) {
      throw new QueueFullException(config.queueLimit());
    }
  }

  private void send(Runnable message) {
    if (!loop.send(message)) {
      places.decrementAndGet();
      throw stopped();
    }
  }

  private static CancellationException stopped() {
    return new CancellationException("the server is stopping");
  }
}
