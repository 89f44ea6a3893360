package vidfold.server.engine;

import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.torch.TorchException;

/**
 * Room on the device for those who find none: what nobody uses is freed and the work tried once
 * more; then it is refused. Belongs to the inference thread.
 */
final class DeviceRoom {
  private static final Logger log = LoggerFactory.getLogger(DeviceRoom.class);

  private final Conversations conversations;
  private final VideoPrefixCache cache;
  private final VisualTokenCache visual;
  private final LongSupplier runningBytes;

  /**
   * Creates a room.
   *
   * @param runningBytes KV of the questions that run
   */
  DeviceRoom(Conversations conversations, PrefixBuilds.Caches caches, LongSupplier runningBytes) {
    this.conversations = conversations;
    this.cache = caches.prefixes();
    this.visual = caches.visual();
    this.runningBytes = runningBytes;
  }

  /** The KV of sessions between their turns. */
  Conversations conversations() {
    return conversations;
  }

  /**
   * Does work that may be done again after it failed for want of memory.
   *
   * @throws DeviceFullException when the device is still out of memory the second time
   */
  <T> T use(Supplier<T> work) {
    try {
      return work.get();
    } catch (TorchException e) {
      if (!freedFor(e)) {
        throw refusal(e);
      }
    }
    try {
      return work.get();
    } catch (TorchException e) {
      throw refusal(e);
    }
  }

  /** The same without a result. */
  void use(Runnable work) {
    use(
        () -> {
          work.run();
          return true;
        });
  }

  /** Frees what nobody uses if this failure is a want of memory; true when there was something. */
  boolean freedFor(Throwable failure) {
    if (!(failure instanceof TorchException torch && torch.outOfMemory())) {
      return false;
    }
    long before = keptBytes();
    conversations.giveUpAll();
    cache.freeUnused();
    visual.clear();
    long freed = before - keptBytes();
    log.warn("{}; {} bytes that nobody uses were freed", failure.getMessage(), freed);
    return freed > 0;
  }

  private long keptBytes() {
    return cache.bytes() + visual.bytes() + conversations.bytes();
  }

  /** What whoever asked is told: a want of memory with its numbers, anything else as it is. */
  RuntimeException refusal(RuntimeException failure) {
    if (!(failure instanceof TorchException torch && torch.outOfMemory())) {
      return failure;
    }
    return new DeviceFullException(
        new DeviceFullException.Use(
            torch.bytesAsked(), cache.bytes(), conversations.bytes(), runningBytes.getAsLong()),
        failure);
  }

  /** The same for a failure of any kind. */
  Throwable refusal(Throwable failure) {
    return failure instanceof RuntimeException runtime ? refusal(runtime) : failure;
  }
}
