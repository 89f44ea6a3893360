package vidfold.server.engine;

import org.jspecify.annotations.Nullable;

/** The one thread that may touch the device; methods that do assert {@link #isCurrent}. */
final class DeviceThread {
  private volatile @Nullable Thread owner;

  /** Makes the calling thread the owner. */
  void claim() {
    owner = Thread.currentThread();
  }

  boolean isCurrent() {
    return Thread.currentThread() == owner;
  }
}
