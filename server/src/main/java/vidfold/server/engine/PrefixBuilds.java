package vidfold.server.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import vidfold.model.EncodedVideo;
import vidfold.model.PrefixBuild;
import vidfold.model.VideoEncoding;
import vidfold.model.VideoLlm;
import vidfold.server.engine.FrameSource.Clip;

/**
 * The prefixes under construction, one build a variant however many wait for it.
 *
 * <p>A build reads frames on the video pool, encodes them and prefills their tokens in chunks on
 * the inference thread. Visual tokens that another variant of the video left in the cache spare it
 * the first two. A build that nobody waits for any more is stopped and freed at once. Belongs to
 * the inference thread.
 */
final class PrefixBuilds implements AutoCloseable {

  /** Where builds take their work, and whom they tell. */
  interface Surroundings {

    /** Runs a message on the inference thread, called from any thread. */
    void post(Runnable message);

    /** A build has frames and takes its turns from now on. */
    void addWork(ChunkWork work);

    /** Frees what nobody uses if a build failed for want of memory; true when there was some. */
    boolean freedFor(Throwable failure);

    /** A waiter's build failed. */
    void failed(Waiter waiter, Throwable cause);
  }

  /** What builds find and leave behind. */
  record Caches(VideoPrefixCache prefixes, VisualTokenCache visual) {}

  private final DeviceThread device;
  private final VideoLlm llm;
  private final FrameSource source;
  private final Caches caches;
  private final Surroundings surroundings;
  private final Map<VariantKey, Build> builds = new LinkedHashMap<>();

  /** Variants whose last build found no memory, and which begin once more. */
  private final Set<VariantKey> secondTries = new HashSet<>();

  PrefixBuilds(
      DeviceThread device,
      VideoLlm llm,
      FrameSource source,
      Caches caches,
      Surroundings surroundings) {
    this.device = device;
    this.llm = llm;
    this.source = source;
    this.caches = caches;
    this.surroundings = surroundings;
  }

  int count() {
    return builds.size();
  }

  /** Joins the build of the waiter's variant; false when there is none. */
  boolean join(Waiter waiter) {
    assert device.isCurrent();
    Build build = builds.get(waiter.variant());
    if (build == null) {
      return false;
    }
    build.add(waiter);
    return true;
  }

  /** Starts a build for this waiter; its frames are read from now on. */
  void start(Waiter waiter) {
    assert device.isCurrent();
    Build build = new Build(waiter);
    builds.put(waiter.variant(), build);
    build.add(waiter);
    build.begin();
  }

  /** Takes a waiter out of its build, if it is in one. */
  void leave(Waiter waiter) {
    assert device.isCurrent();
    Build build = builds.get(waiter.variant());
    if (build != null && build.waiters.remove(waiter) && build.waiters.isEmpty()) {
      build.close();
    }
  }

  /** Stops the builds of a video; returns who waited for them. */
  List<Waiter> stop(VideoKey video) {
    assert device.isCurrent();
    List<Waiter> left = new ArrayList<>();
    for (Build build : List.copyOf(builds.values())) {
      if (build.video.equals(video)) {
        left.addAll(build.waiters);
        build.close();
      }
    }
    return left;
  }

  /** Whoever waits. */
  Collection<Waiter> waiters() {
    return builds.values().stream().flatMap(build -> build.waiters.stream()).toList();
  }

  /** Stops every build. */
  @Override
  public void close() {
    List.copyOf(builds.values()).forEach(Build::close);
  }

  /** One prefix under construction: frames, then visual tokens, then keys and values. */
  private final class Build implements ChunkWork {
    final VariantKey key;
    final VideoKey video;
    final Question.Options options;
    final List<Waiter> waiters = new ArrayList<>();

    private boolean over;
    private @Nullable CompletableFuture<Clip> reading;
    private @Nullable Clip frames;
    private @Nullable VideoEncoding encoding;
    private CachedPrefix.@Nullable ClipFacts clip;
    private @Nullable PrefixBuild work;

    Build(Waiter first) {
      this.key = first.variant();
      this.video = first.video();
      this.options = first.options();
    }

    void add(Waiter waiter) {
      waiters.add(waiter);
      tell(waiter, hasFrames() ? Waiter::onEncoding : Waiter::onDecoding);
    }

    /** Goes on from the visual tokens of another variant, or reads frames. */
    void begin() {
      if (over) {
        return;
      }
      try {
        VisualTokenCache.Entry found = caches.visual().find(key);
        if (found != null) {
          clip = found.clip().withoutWork();
          work = llm.startPrefix(found.encoded(), options.prefix());
          takeTurns();
          return;
        }
        reading = source.read(video.tenant(), video.videoId(), options.frames());
      } catch (RuntimeException | Error e) {
        fail(e);
        return;
      }
      reading.whenComplete((read, failure) -> surroundings.post(() -> onFrames(read, failure)));
    }

    private void onFrames(@Nullable Clip read, @Nullable Throwable failure) {
      if (over) {
        return;
      }
      if (read == null) {
        fail(unwrap(failure));
        return;
      }
      try {
        encoding = llm.startEncoding(read.frames(), options.prefix().merge().readsSaliency());
      } catch (RuntimeException | Error e) {
        fail(e);
        return;
      }
      frames = read;
      reading = null;
      takeTurns();
    }

    private void takeTurns() {
      List.copyOf(waiters).forEach(waiter -> tell(waiter, Waiter::onEncoding));
      surroundings.addWork(this);
    }

    private boolean hasFrames() {
      return encoding != null || work != null;
    }

    @Override
    public boolean isOver() {
      return over;
    }

    @Override
    public boolean advance() {
      assert device.isCurrent();
      if (encoding != null) {
        if (encoding.advance()) {
          enterDecoder(encoding.finish());
        }
        return false;
      }
      PrefixBuild building = work;
      if (building == null || !building.advance()) {
        return false;
      }
      finish(building);
      return true;
    }

    /** Starts on keys and values, and leaves the visual tokens to other variants. */
    private void enterDecoder(EncodedVideo encoded) {
      clip = CachedPrefix.ClipFacts.of(Objects.requireNonNull(frames), encoded.visionMillis());
      frames = null;
      encoding = null;
      try {
        work = llm.startPrefix(encoded, options.prefix());
      } catch (RuntimeException | Error e) {
        encoded.close();
        throw e;
      }
      caches.visual().put(key, new VisualTokenCache.Entry(video, encoded, clip));
    }

    private void finish(PrefixBuild building) {
      CachedPrefix.ClipFacts facts = Objects.requireNonNull(clip);
      List<Waiter> served = List.copyOf(waiters);
      CachedPrefix built = new CachedPrefix(key, video, building.finish(), facts);
      try (PrefixLease lease = caches.prefixes().put(built)) {
        close();
        served.forEach(waiter -> waiter.onPrefix(lease.another(), false));
      }
    }

    @Override
    public void fail(Throwable cause) {
      List<Waiter> left = List.copyOf(waiters);
      boolean first = !secondTries.contains(key);
      close();
      if (first && surroundings.freedFor(cause)) {
        secondTries.add(key);
        left.forEach(Waiter::requeue);
        return;
      }
      left.forEach(waiter -> surroundings.failed(waiter, cause));
    }

    /** Frees what is not handed over and stops the reading of frames. */
    void close() {
      over = true;
      builds.remove(key, this);
      secondTries.remove(key);
      waiters.clear();
      CompletableFuture<Clip> unread = reading;
      reading = null;
      frames = null;
      if (unread != null) {
        unread.cancel(true);
      }
      if (encoding != null) {
        encoding.close();
        encoding = null;
      }
      if (work != null) {
        work.close();
        work = null;
      }
    }

    private void tell(Waiter waiter, Consumer<Waiter> news) {
      try {
        news.accept(waiter);
      } catch (RuntimeException e) {
        waiters.remove(waiter);
        surroundings.failed(waiter, e);
        if (waiters.isEmpty() && !over) {
          close();
        }
      }
    }
  }

  private static Throwable unwrap(@Nullable Throwable failure) {
    if (failure instanceof CompletionException && failure.getCause() != null) {
      return failure.getCause();
    }
    return failure == null ? new IllegalStateException("the frames are missing") : failure;
  }
}
