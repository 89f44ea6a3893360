package vidfold.server.http;

import io.netty.channel.EventLoop;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** At most one action that runs when its time is up; confined to an event loop. */
final class Deadline {
  private final EventLoop loop;
  private @Nullable Future<?> pending;

  Deadline(EventLoop loop) {
    this.loop = loop;
  }

  /** Replaces what was set before. */
  void set(Duration delay, Runnable action) {
    cancel();
    pending = loop.schedule(action, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  void cancel() {
    Future<?> old = pending;
    if (old != null) {
      old.cancel(false);
      pending = null;
    }
  }
}
