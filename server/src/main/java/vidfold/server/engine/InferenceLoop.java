package vidfold.server.engine;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.model.VideoLlm;
import vidfold.server.metrics.EngineMeters;

/**
 * The loop of the inference thread, which alone touches the device and the state of sequences;
 * others post messages to it.
 *
 * <p>A {@link #step} does at most one chunk of prefill or vision work, in turns among those that
 * have some, and then one decode step for all running sequences, so that a long video never stops
 * the answers of others for longer than a chunk.
 */
final class InferenceLoop implements PrefixBuilds.Surroundings {
  private static final Logger log = LoggerFactory.getLogger(InferenceLoop.class);

  private final Inbox inbox;
  private final AtomicInteger places;
  private final EngineConfig config;
  private final VideoLlm llm;
  private final EngineMeters meters;
  private final DeviceThread device = new DeviceThread();
  private final Conversations conversations;
  private final VideoPrefixCache cache;
  private final DeviceRoom room;
  private final VisualTokenCache visual;
  private final PrefixBuilds builds;
  private final Answering answering;

  /** Whoever waits, in the order of asking, until it runs or is over. */
  private final Set<Waiter> queue = new LinkedHashSet<>();

  /** Chunked work; the first has its turn. */
  private final Deque<ChunkWork> chunks = new ArrayDeque<>();

  private @Nullable Long deadline;
  private volatile EngineStatus status;

  /**
   * Creates the loop.
   *
   * @param places how many places of the queue are taken; given back here
   */
  InferenceLoop(
      VideoLlm llm,
      FrameSource frames,
      EngineConfig config,
      EngineMeters meters,
      AtomicInteger places) {
    this.inbox = new Inbox();
    this.places = places;
    this.config = config;
    this.llm = llm;
    this.meters = meters;
    this.conversations = new Conversations(device, config.conversationBytes());
    this.cache = new VideoPrefixCache(device, config.prefixCacheBytes(), conversations::dropOn);
    this.visual = new VisualTokenCache(device, config.visualCacheBytes());
    PrefixBuilds.Caches caches = new PrefixBuilds.Caches(cache, visual);
    this.builds = new PrefixBuilds(device, llm, frames, caches, this);
    this.room = new DeviceRoom(conversations, caches, this::runningBytes);
    this.answering = new Answering(device, llm, config, room, meters);
    this.status = new EngineStatus(llm.info(), true, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /** What the last step left, from any thread. */
  EngineStatus status() {
    return status;
  }

  /** Posts a message from any thread; false when the loop has ended. */
  boolean send(Runnable message) {
    return inbox.post(message);
  }

  /** Runs until {@link #stop} and the end of the accepted work; frees everything. */
  void run() {
    device.claim();
    while (!isDrained()) {
      try {
        if (!step()) {
          park();
        }
      } catch (RuntimeException | Error e) {
        log.error("a step of the inference thread failed; all its work is given up", e);
        failAll(e);
      }
    }
    shutDown();
  }

  /** One turn; false when there was nothing to do. */
  private boolean step() {
    boolean worked = admit();
    worked |= schedule();
    worked |= doOneChunk();
    worked |= answering.decode();
    answering.sample();
    publish();
    return worked;
  }

  private boolean admit() {
    boolean any = false;
    for (Runnable message = inbox.poll(); message != null; message = inbox.poll()) {
      handle(message);
      any = true;
    }
    return any;
  }

  /** Gives waiters a prefix or a build, and those that have theirs a place among the running. */
  private boolean schedule() {
    boolean moved = false;
    boolean full = false;
    for (Waiter waiter : List.copyOf(queue)) {
      boolean question = waiter instanceof Sequence;
      if (waiter.isQueued() && !(question && full)) {
        moved |= guarded(waiter, () -> seekPrefix(waiter));
      }
      if (waiter instanceof Sequence sequence && sequence.state == Sequence.State.READY && !full) {
        boolean started = guarded(waiter, () -> start(sequence));
        moved |= started;
        full = !started;
      }
      if (waiter.isOver()) {
        leaveQueue(waiter);
      }
    }
    return moved;
  }

  private boolean seekPrefix(Waiter waiter) {
    PrefixLease lease = cache.find(waiter.variant());
    if (lease == null && !builds.join(waiter)) {
      if (builds.count() >= config.maxBuilds()) {
        return false;
      }
      builds.start(waiter);
    }
    if (lease != null) {
      waiter.onPrefix(lease, true);
    }
    if (waiter instanceof Sequence) {
      meters.prefixRequest(lease != null);
    }
    return true;
  }

  private boolean start(Sequence sequence) {
    if (sequence.maxTokens == 0) {
      answering.plan(sequence);
    }
    if (!answering.hasRoomFor(sequence)) {
      return false;
    }
    leaveQueue(sequence);
    answering.open(sequence);
    addWork(new QuestionPrefill(answering, sequence));
    return true;
  }

  private boolean doOneChunk() {
    ChunkWork work = chunks.poll();
    while (work != null && work.isOver()) {
      work = chunks.poll();
    }
    if (work == null) {
      return false;
    }
    try {
      if (!work.advance()) {
        chunks.add(work);
      }
    } catch (RuntimeException | Error e) {
      work.fail(e);
    }
    return true;
  }

  private void publish() {
    status =
        new EngineStatus(
            llm.info(),
            deadline == null,
            places.get(),
            answering.count(),
            builds.count(),
            cache.count(),
            cache.bytes(),
            visual.bytes(),
            conversations.count(),
            conversations.bytes());
  }

  private void park() {
    try {
      checkIntegrity();
    } catch (IllegalStateException e) {
      log.error("the engine's books and its memory disagree", e);
    }
    try {
      Long end = deadline;
      Runnable message =
          end == null ? inbox.take() : inbox.poll(Duration.ofNanos(end - System.nanoTime()));
      if (message != null) {
        handle(message);
      }
    } catch (InterruptedException e) {
      log.warn("the inference thread was interrupted; it stops");
      deadline = System.nanoTime();
    }
  }

  /** Puts a question or a preparation into the queue; its place is already taken. */
  void add(Waiter waiter) {
    queue.add(waiter);
  }

  /** Ends a waiter in any state and frees what it holds. */
  void cancel(Waiter waiter) {
    builds.leave(waiter);
    failed(waiter, new CancellationException("cancelled"));
  }

  /**
   * Frees the prefixes, visual tokens and conversations of a video; its builds begin anew, if they
   * still can.
   */
  void forget(VideoKey video) {
    cache.forget(video);
    visual.forget(video);
    builds.stop(video).forEach(Waiter::requeue);
  }

  /** Accepts nothing more and ends when the accepted work is done, at the latest after this. */
  void stop(Duration grace) {
    if (deadline == null) {
      deadline = System.nanoTime() + grace.toNanos();
    }
  }

  /**
   * Checks that books and memory agree.
   *
   * @throws IllegalStateException when they do not
   */
  void checkIntegrity() {
    cache.checkIntegrity();
    visual.checkIntegrity();
    conversations.checkIntegrity();
    answering.checkIntegrity();
  }

  @Override
  public void post(Runnable message) {
    inbox.post(message);
  }

  @Override
  public void addWork(ChunkWork work) {
    chunks.add(work);
  }

  @Override
  public void failed(Waiter waiter, Throwable cause) {
    leaveQueue(waiter);
    if (waiter instanceof Sequence sequence) {
      answering.fail(sequence, cause);
    } else if (waiter instanceof Preparation preparation) {
      preparation.fail(room.refusal(cause));
    }
  }

  @Override
  public boolean freedFor(Throwable failure) {
    return room.freedFor(failure);
  }

  private long runningBytes() {
    return answering.bytes();
  }

  private void leaveQueue(Waiter waiter) {
    if (queue.remove(waiter)) {
      places.decrementAndGet();
    }
  }

  private boolean guarded(Waiter waiter, java.util.function.BooleanSupplier work) {
    try {
      return work.getAsBoolean();
    } catch (RuntimeException | Error e) {
      builds.leave(waiter);
      failed(waiter, e);
      return true;
    }
  }

  private static void handle(Runnable message) {
    try {
      message.run();
    } catch (RuntimeException | Error e) {
      log.error("a message to the inference thread failed", e);
    }
  }

  private boolean isDrained() {
    Long end = deadline;
    return end != null
        && (System.nanoTime() - end >= 0 || (queue.isEmpty() && answering.count() == 0));
  }

  private void failAll(Throwable cause) {
    List.copyOf(queue).forEach(waiter -> failed(waiter, cause));
    answering.active().forEach(sequence -> answering.fail(sequence, cause));
    builds.close();
    chunks.clear();
  }

  private void shutDown() {
    inbox.close().forEach(InferenceLoop::handle);
    failAll(new CancellationException("the server is stopping"));
    conversations.close();
    cache.close();
    visual.close();
    publish();
  }
}
