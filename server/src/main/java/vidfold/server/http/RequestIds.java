package vidfold.server.http;

import java.time.Clock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import vidfold.server.engine.TimeOrderedIds;

/** Ids of requests: a client's own where it is well-formed, else a new one. */
final class RequestIds {
  static final String HEADER = "X-Request-Id";
  private static final Pattern WELL_FORMED = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final TimeOrderedIds ids = new TimeOrderedIds(Clock.systemUTC());

  String of(@Nullable String given) {
    return given != null && WELL_FORMED.matcher(given).matches() ? given : ids.next("req_");
  }
}
