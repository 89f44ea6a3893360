package vidfold.server.engine;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import vidfold.model.Decoding;

/**
 * The KV of sessions between their turns, the longest unused given up first.
 *
 * <p>A conversation may serve any question whose own tokens begin with exactly the tokens it holds;
 * so a continued turn and one rebuilt from the history feed the same tokens. Each keeps its lease,
 * and is closed when its prefix leaves the cache. Belongs to the inference thread.
 */
final class Conversations implements AutoCloseable {

  /** Whose conversation, on which prefix. */
  record Key(String tenant, String sessionId, VariantKey variant) {}

  /**
   * A finished turn's KV.
   *
   * @param fed the sequence's own tokens that it holds
   */
  record Conversation(Decoding decoding, int[] fed, PrefixLease lease) {
    Conversation {
      assert fed.length == decoding.length();
    }

    void close() {
      decoding.close();
      lease.close();
    }

    private boolean serves(int[] tokens, int capacity) {
      return decoding.capacity() >= capacity
          && tokens.length > fed.length
          && Arrays.equals(fed, 0, fed.length, tokens, 0, fed.length);
    }
  }

  private final DeviceThread device;
  private final long limit;
  private final Map<Key, Conversation> idle = new LinkedHashMap<>();
  private long bytes;

  /**
   * Creates an empty set.
   *
   * @param limit bytes of native memory
   */
  Conversations(DeviceThread device, long limit) {
    this.device = device;
    this.limit = limit;
  }

  /** Keeps a finished turn, which is owned here from now on. */
  void keep(Key key, Conversation conversation) {
    assert device.isCurrent();
    Conversation old = remove(key);
    if (old != null) {
      old.close();
    }
    idle.put(key, conversation);
    bytes += conversation.decoding().bytes();
    Iterator<Conversation> oldest = idle.values().iterator();
    while (bytes > limit) {
      Conversation given = oldest.next();
      oldest.remove();
      bytes -= given.decoding().bytes();
      given.close();
    }
  }

  /**
   * Hands over the session's conversation, or null when there is none that these tokens continue;
   * one that they contradict is closed.
   *
   * @param tokens own tokens of the question, history included
   * @param capacity tokens that must fit
   */
  @Nullable Conversation take(Key key, int[] tokens, int capacity) {
    assert device.isCurrent();
    Conversation found = remove(key);
    if (found != null && !found.serves(tokens, capacity)) {
      found.close();
      return null;
    }
    return found;
  }

  /** Closes the conversations on a prefix. */
  void dropOn(CachedPrefix prefix) {
    assert device.isCurrent();
    for (Iterator<Conversation> all = idle.values().iterator(); all.hasNext(); ) {
      Conversation conversation = all.next();
      if (conversation.lease().isOn(prefix)) {
        all.remove();
        bytes -= conversation.decoding().bytes();
        conversation.close();
      }
    }
  }

  int count() {
    return idle.size();
  }

  /** Bytes of native memory. */
  long bytes() {
    return bytes;
  }

  /** Closes every conversation; later turns are rebuilt from their history. */
  void giveUpAll() {
    assert device.isCurrent();
    idle.values().forEach(Conversation::close);
    idle.clear();
    bytes = 0;
  }

  @Override
  public void close() {
    giveUpAll();
  }

  /**
   * Checks that the bytes are counted right.
   *
   * @throws IllegalStateException when they are not
   */
  void checkIntegrity() {
    long found = idle.values().stream().mapToLong(kept -> kept.decoding().bytes()).sum();
    if (found != bytes || bytes > limit) {
      throw new IllegalStateException(
          "conversations hold " + found + " bytes; counted " + bytes + " of " + limit);
    }
  }

  private @Nullable Conversation remove(Key key) {
    Conversation found = idle.remove(key);
    if (found != null) {
      bytes -= found.decoding().bytes();
    }
    return found;
  }
}
