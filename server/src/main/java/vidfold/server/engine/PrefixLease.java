package vidfold.server.engine;

import vidfold.model.KvPrefix;

/**
 * The right to use a prefix: its native memory stays until the last lease is closed. Belongs to the
 * inference thread.
 */
final class PrefixLease implements AutoCloseable {
  private final VideoPrefixCache cache;
  private final CachedPrefix entry;
  private boolean closed;

  PrefixLease(VideoPrefixCache cache, CachedPrefix entry) {
    this.cache = cache;
    this.entry = entry;
    entry.leases++;
  }

  KvPrefix prefix() {
    assert !closed : "the lease is closed";
    return entry.prefix;
  }

  /** What is known of the clip. */
  CachedPrefix.ClipFacts clip() {
    return entry.clip;
  }

  /** Whether the prefix stays in the cache after this lease. */
  boolean isCached() {
    return entry.cached;
  }

  boolean isOn(CachedPrefix other) {
    return entry == other;
  }

  /** A further lease on the same prefix. */
  PrefixLease another() {
    assert !closed : "the lease is closed";
    return new PrefixLease(cache, entry);
  }

  /** Gives the right back; does nothing the second time. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      entry.leases--;
      cache.freeIfUnused(entry);
    }
  }
}
