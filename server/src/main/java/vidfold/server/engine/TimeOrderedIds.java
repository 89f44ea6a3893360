package vidfold.server.engine;

import java.security.SecureRandom;
import java.time.Clock;

/**
 * Makes ids that sort by the time of their making: 48 bits of milliseconds and 80 random bits, as
 * 26 characters of Crockford's base 32.
 *
 * <p>Ids of one instance ascend strictly, also within a millisecond and when the clock is set back.
 * Thread-safe.
 */
public final class TimeOrderedIds {
  private static final char[] ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray();
  private static final int CHARACTERS = 26;

  /** Increments that are left before the 80 random bits could overflow. */
  private static final int TOP_BITS = 0x7fff;

  private final Clock clock;
  private final SecureRandom random = new SecureRandom();
  private long lastMillis = -1;
  private int high;
  private long low;

  public TimeOrderedIds(Clock clock) {
    this.clock = clock;
  }

  /** A new id, the prefix (for example {@code vid_}) in front. */
  public synchronized String next(String prefix) {
    long now = clock.millis();
    if (now > lastMillis) {
      lastMillis = now;
      high = random.nextInt() & TOP_BITS;
      low = random.nextLong();
    } else if (++low == 0) {
      high++;
    }
    char[] text = new char[CHARACTERS];
    // 128 bits, from the right: 64 of low, 16 of high, 48 of time.
    long upper = lastMillis << 16 | (high & 0xffff);
    long lower = low;
    for (int i = CHARACTERS - 1; i >= 0; i--) {
      text[i] = ALPHABET[(int) (lower & 31)];
      lower = lower >>> 5 | upper << 59;
      upper >>>= 5;
    }
    return prefix + new String(text);
  }
}
