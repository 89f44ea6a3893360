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
import vidfold.model.PrefixBuild;
import vidfold.model.VideoLlm;
import vidfold.server.engine.FrameSource.Clip;

/**
 * The prefixes under construction, one build a variant however many wait for it.
 *
 * <p>A build reads frames on the video pool, then encodes them in chunks on the inference thread. A
 * build that nobody waits for any more is stopped and freed at once. Belongs to the inference
 * thread.
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

  private final DeviceThread device;
  private final VideoLlm llm;
  private final FrameSource source;
  private final VideoPrefixCache cache;
  private final Surroundings surroundings;
  private final Map<VariantKey, Build> builds = new LinkedHashMap<>();

  /** Variants whose last build found no memory, and which begin once more. */
  private final Set<VariantKey> secondTries = new HashSet<>();

  PrefixBuilds(
      DeviceThread device,
      VideoLlm llm,
      FrameSource source,
      VideoPrefixCache cache,
      Surroundings surroundings) {
    this.device = device;
    this.llm = llm;
    this.source = source;
    this.cache = cache;
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
    build.readFrames();
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

  /** One prefix under construction. */
  private final class Build implements ChunkWork {
    final VariantKey key;
    final VideoKey video;
    final Question.Options options;
    final List<Waiter> waiters = new ArrayList<>();

    private boolean over;
    private @Nullable CompletableFuture<Clip> reading;
    private CachedPrefix.@Nullable ClipFacts clip;
    private @Nullable PrefixBuild work;

    Build(Waiter first) {
      this.key = first.variant();
      this.video = first.video();
      this.options = first.options();
    }

    void add(Waiter waiter) {
      waiters.add(waiter);
      tell(waiter, work == null ? Waiter::onDecoding : Waiter::onEncoding);
    }

    void readFrames() {
      if (over) {
        return;
      }
      try {
        reading = source.read(video.tenant(), video.videoId(), options.frames());
      } catch (RuntimeException e) {
        fail(e);
        return;
      }
      reading.whenComplete((found, failure) -> surroundings.post(() -> onFrames(found, failure)));
    }

    private void onFrames(@Nullable Clip found, @Nullable Throwable failure) {
      if (over) {
        return;
      }
      if (found == null) {
        fail(unwrap(failure));
        return;
      }
      try {
        clip = CachedPrefix.ClipFacts.of(found);
        work = llm.startPrefix(found.frames(), options.prefix());
      } catch (RuntimeException | Error e) {
        fail(e);
        return;
      }
      reading = null;
      List.copyOf(waiters).forEach(waiter -> tell(waiter, Waiter::onEncoding));
      surroundings.addWork(this);
    }

    @Override
    public boolean isOver() {
      return over;
    }

    @Override
    public boolean advance() {
      assert device.isCurrent();
      PrefixBuild building = work;
      if (building == null || !building.advance()) {
        return false;
      }
      finish(building);
      return true;
    }

    private void finish(PrefixBuild building) {
      CachedPrefix.ClipFacts facts = Objects.requireNonNull(clip);
      List<Waiter> served = List.copyOf(waiters);
      CachedPrefix built = new CachedPrefix(key, video, building.finish(), facts);
      try (PrefixLease lease = cache.put(built)) {
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
      CompletableFuture<Clip> frames = reading;
      reading = null;
      if (frames != null) {
        frames.cancel(true);
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
