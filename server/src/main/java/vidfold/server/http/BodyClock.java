package vidfold.server.http;

import io.netty.channel.EventLoop;
import java.time.Duration;

/**
 * The time that a client has for a body: in each period it sends some bytes or the end. Confined to
 * an event loop.
 */
final class BodyClock {
  /** Bytes to be sent in each period. */
  private static final int PROGRESS = 16 << 10;

  private final Deadline deadline;
  private final Duration period;
  private int arrived;

  BodyClock(EventLoop loop, Duration period) {
    this.deadline = new Deadline(loop);
    this.period = period;
  }

  /** More is to come; when a period passes without progress, the action runs. */
  void await(Runnable late) {
    if (arrived == 0 || arrived >= PROGRESS) {
      arrived = 0;
      deadline.set(period, late);
    }
  }

  void arrived(int bytes) {
    arrived += bytes;
  }

  /** Nothing more is to come. */
  void stop() {
    arrived = 0;
    deadline.cancel();
  }
}
