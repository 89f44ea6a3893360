package vidfold.server.engine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.model.KvPrefix;

/**
 * The prefixes in native memory, weighed by their bytes.
 *
 * <p>A prefix is freed when it is neither cached nor on lease. A new prefix is always admitted,
 * because it has just been paid for and its questions are about to come: room is made before it is
 * put in, coldest first and unused ones before those on lease. One that is larger than the whole
 * budget is never cached and lives as long as its leases.
 *
 * <p>Belongs to the inference thread; Caffeine is told to do its housekeeping there too.
 */
final class VideoPrefixCache implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(VideoPrefixCache.class);
  private static final long KIB = 1024;

  private final DeviceThread device;
  private final Consumer<CachedPrefix> onEviction;
  private final long budget;
  private final Cache<VariantKey, CachedPrefix> cache;
  private final Policy.Eviction<VariantKey, CachedPrefix> eviction;
  private final Set<CachedPrefix> live = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Creates an empty cache.
   *
   * @param bytes native memory of cached prefixes
   * @param onEviction told of a prefix that leaves the cache, so that idle leases are given back
   */
  VideoPrefixCache(DeviceThread device, long bytes, Consumer<CachedPrefix> onEviction) {
    this.device = device;
    this.onEviction = onEviction;
    this.budget = bytes / KIB;
    this.cache =
        Caffeine.newBuilder()
            .maximumWeight(budget)
            .weigher((VariantKey key, CachedPrefix entry) -> (int) weight(entry.prefix))
            .executor(Runnable::run)
            .removalListener(this::removed)
            .build();
    this.eviction = cache.policy().eviction().orElseThrow();
  }

  /** A lease on a cached prefix, or null. */
  @Nullable PrefixLease find(VariantKey key) {
    assert device.isCurrent();
    CachedPrefix entry = cache.getIfPresent(key);
    return entry == null ? null : new PrefixLease(this, entry);
  }

  /** Whether a prefix is cached, without counting as use. */
  boolean contains(VariantKey key) {
    return cache.policy().getIfPresentQuietly(key) != null;
  }

  /** Takes ownership of a prefix, caches it when it fits at all, and leases it to the caller. */
  PrefixLease put(CachedPrefix entry) {
    assert device.isCurrent();
    VariantKey key = entry.key;
    KvPrefix prefix = entry.prefix;
    live.add(entry);
    PrefixLease lease = new PrefixLease(this, entry);
    if (weight(prefix) <= budget) {
      cache.invalidate(key);
      makeRoom(weight(prefix));
      entry.cached = true;
      cache.put(key, entry);
      cache.cleanUp();
    } else {
      log.warn(
          "a prefix of {} bytes is larger than the whole prefix cache of {}; it is used once",
          prefix.bytes(),
          budget * KIB);
    }
    return lease;
  }

  /** Removes every prefix of a video. */
  void forget(VideoKey video) {
    assert device.isCurrent();
    cached().stream()
        .filter(entry -> entry.video.equals(video))
        .forEach(entry -> cache.invalidate(entry.key));
  }

  /** Removes every prefix that is not on lease. */
  void freeUnused() {
    assert device.isCurrent();
    cached().stream()
        .filter(entry -> entry.leases == 0)
        .forEach(entry -> cache.invalidate(entry.key));
  }

  /** Prefixes in native memory. */
  int count() {
    return live.size();
  }

  /** Their bytes. */
  long bytes() {
    return live.stream().mapToLong(entry -> entry.prefix.bytes()).sum();
  }

  /** Removes everything; what is on lease is freed with its last lease. */
  @Override
  public void close() {
    assert device.isCurrent();
    cache.invalidateAll();
    cache.cleanUp();
  }

  void freeIfUnused(CachedPrefix entry) {
    assert device.isCurrent();
    if (!entry.cached && entry.leases == 0 && live.remove(entry)) {
      entry.prefix.close();
    }
  }

  /**
   * Checks that books and memory agree.
   *
   * @throws IllegalStateException when they do not
   */
  void checkIntegrity() {
    assert device.isCurrent();
    cache.cleanUp();
    Collection<CachedPrefix> cached = cached();
    long weight = cached.stream().mapToLong(entry -> weight(entry.prefix)).sum();
    require(weight <= budget, "cached prefixes weigh " + weight + " of " + budget + " KiB");
    require(live.containsAll(cached), "a cached prefix is freed");
    for (CachedPrefix entry : live) {
      require(entry.leases >= 0, "a prefix has " + entry.leases + " leases");
      require(entry.cached == cached.contains(entry), "a prefix does not know where it is");
      require(entry.cached || entry.leases > 0, "an unused prefix is not freed");
    }
  }

  private void makeRoom(long weight) {
    List<CachedPrefix> coldest = new ArrayList<>(eviction.coldest(Integer.MAX_VALUE).values());
    coldest.sort((a, b) -> Boolean.compare(a.leases > 0, b.leases > 0));
    long used = coldest.stream().mapToLong(entry -> weight(entry.prefix)).sum();
    for (CachedPrefix entry : coldest) {
      if (used + weight <= budget) {
        return;
      }
      used -= weight(entry.prefix);
      cache.invalidate(entry.key);
    }
  }

  private void removed(@Nullable VariantKey key, @Nullable CachedPrefix entry, RemovalCause cause) {
    if (entry != null) {
      entry.cached = false;
      onEviction.accept(entry);
      freeIfUnused(entry);
    }
  }

  private List<CachedPrefix> cached() {
    return List.copyOf(cache.asMap().values());
  }

  private static long weight(KvPrefix prefix) {
    return (prefix.bytes() + KIB - 1) / KIB;
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalStateException(message);
    }
  }
}
