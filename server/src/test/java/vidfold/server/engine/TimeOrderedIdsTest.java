package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimeOrderedIdsTest {

  @Test
  void shouldAscendWithinAMillisecondAndWhenTheClockIsSetBack() {
    Deque<Long> times = new ArrayDeque<>(List.of(1000L, 1000L, 1001L, 500L, 1002L));
    TimeOrderedIds ids = new TimeOrderedIds(new Script(times));
    List<String> made = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      made.add(ids.next("vid_"));
    }
    assertThat(made).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void shouldBeginWithTheTimeInBase32() {
    // 2^45 is bit 45 of 48; the first of 26 characters holds the top 3 of 128 bits.
    TimeOrderedIds ids = new TimeOrderedIds(new Script(new ArrayDeque<>(List.of(1L << 45))));
    assertThat(ids.next("vid_")).matches("vid_[0-9A-HJKMNP-TV-Z]{26}").startsWith("vid_1000000000");
  }

  private static final class Script extends Clock {
    private final Deque<Long> times;

    Script(Deque<Long> times) {
      this.times = times;
    }

    @Override
    public long millis() {
      return times.remove();
    }

    @Override
    public Instant instant() {
      return Instant.ofEpochMilli(millis());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }
}
