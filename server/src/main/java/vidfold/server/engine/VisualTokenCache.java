package vidfold.server.engine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.model.EncodedVideo;

/**
 * The visual tokens of videos before any merging, weighed by their bytes: a further variant of a
 * video (another reducer, retention or merge layer) needs neither ffmpeg nor the vision tower.
 *
 * <p>What is removed is closed; builds hold a share of their own. Belongs to the inference thread;
 * Caffeine is told to do its housekeeping there too.
 */
final class VisualTokenCache implements AutoCloseable {
  private static final long KIB = 1024;

  /**
   * What is kept of a video.
   *
   * @param clip what is known of its clip
   */
  record Entry(VideoKey video, EncodedVideo encoded, CachedPrefix.ClipFacts clip) {}

  private final DeviceThread device;
  private final long budget;
  private final Cache<String, Entry> cache;

  /** Creates an empty cache for so many bytes of native memory. */
  VisualTokenCache(DeviceThread device, long bytes) {
    this.device = device;
    this.budget = bytes / KIB;
    this.cache =
        Caffeine.newBuilder()
            .maximumWeight(budget)
            .weigher((String key, Entry entry) -> (int) weight(entry))
            .executor(Runnable::run)
            .removalListener(VisualTokenCache::removed)
            .build();
  }

  @Nullable Entry find(VariantKey key) {
    assert device.isCurrent();
    return cache.getIfPresent(key.visualTokens());
  }

  /** Takes ownership: what does not fit at all is closed at once. */
  void put(VariantKey key, Entry entry) {
    assert device.isCurrent();
    if (weight(entry) > budget) {
      entry.encoded().close();
      return;
    }
    cache.put(key.visualTokens(), entry);
    cache.cleanUp();
  }

  /** Removes what is kept of a video. */
  void forget(VideoKey video) {
    assert device.isCurrent();
    cache.asMap().values().removeIf(entry -> entry.video().equals(video));
  }

  /** Bytes of native memory. */
  long bytes() {
    return entries().stream().mapToLong(entry -> entry.encoded().bytes()).sum();
  }

  /**
   * Checks that the cache is within its budget.
   *
   * @throws IllegalStateException when it is not
   */
  void checkIntegrity() {
    assert device.isCurrent();
    cache.cleanUp();
    long weight = entries().stream().mapToLong(VisualTokenCache::weight).sum();
    if (weight > budget) {
      throw new IllegalStateException(
          "cached visual tokens weigh " + weight + " of " + budget + " KiB");
    }
  }

  /** Removes everything. */
  void clear() {
    assert device.isCurrent();
    cache.invalidateAll();
    cache.cleanUp();
  }

  @Override
  public void close() {
    clear();
  }

  private List<Entry> entries() {
    return List.copyOf(cache.asMap().values());
  }

  private static void removed(@Nullable String key, @Nullable Entry entry, RemovalCause cause) {
    if (entry != null) {
      entry.encoded().close();
    }
  }

  private static long weight(Entry entry) {
    return (entry.encoded().bytes() + KIB - 1) / KIB;
  }
}
