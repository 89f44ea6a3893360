package vidfold.video;

import java.util.HashSet;
import java.util.Set;

/**
 * A switch with which one thread stops the work of another, once.
 *
 * <p>Work in progress registers how it is stopped; {@link #cancel()} runs that at once, on the
 * thread that cancels.
 */
public final class Cancellation {
  private final Set<Runnable> actions = new HashSet<>();
  private boolean cancelled;

  /** Stops everything that runs under this switch, now and in the future. */
  public void cancel() {
    Set<Runnable> toRun;
    synchronized (this) {
      cancelled = true;
      toRun = Set.copyOf(actions);
      actions.clear();
    }
    toRun.forEach(Runnable::run);
  }

  /** Whether {@link #cancel()} was called. */
  public synchronized boolean isCancelled() {
    return cancelled;
  }

  /** Runs the action when cancelled, at once when that is already so. */
  void onCancel(Runnable action) {
    boolean now;
    synchronized (this) {
      now = cancelled;
      if (!now) {
        actions.add(action);
      }
    }
    if (now) {
      action.run();
    }
  }

  synchronized void forget(Runnable action) {
    actions.remove(action);
  }
}
