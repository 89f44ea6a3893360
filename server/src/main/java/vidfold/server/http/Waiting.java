package vidfold.server.http;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import vidfold.server.video.Failures;

/** How long a request is willing to wait for a video: {@code ?wait=} or {@code Prefer: wait=}. */
final class Waiting {
  static final Duration LONGEST = Duration.ofMinutes(5);

  private Waiting() {}

  /** {@code true} is 5 minutes, a number is seconds and at most 5 minutes, otherwise none. */
  static Duration of(Exchange exchange) {
    Optional<String> query = exchange.query("wait");
    if (query.isPresent()) {
      return switch (query.get()) {
        case "true", "" -> LONGEST;
        case "false" -> Duration.ZERO;
        default ->
            seconds(query.get())
                .orElseThrow(
                    () -> Problems.field("wait", "'wait' must be true, false or whole seconds."));
      };
    }
    return preferred(exchange.header("Prefer")).orElse(Duration.ZERO);
  }

  /** Gives up after a while with a {@link TimeoutException}; what is waited for goes on. */
  static <T> CompletableFuture<T> atMost(Duration longest, CompletableFuture<T> future) {
    return future.copy().orTimeout(longest.toMillis(), TimeUnit.MILLISECONDS);
  }

  static boolean isOver(Throwable failure) {
    return Failures.unwrap(failure) instanceof TimeoutException;
  }

  /** A preference that is not understood is ignored (RFC 7240, section 2). */
  private static Optional<Duration> preferred(@Nullable String prefer) {
    if (prefer == null) {
      return Optional.empty();
    }
    for (String preference : prefer.split("[,;]", -1)) {
      String[] parts = preference.strip().split("\\s*=\\s*", 2);
      if (parts.length == 2 && parts[0].equalsIgnoreCase("wait")) {
        return seconds(parts[1]);
      }
    }
    return Optional.empty();
  }

  private static Optional<Duration> seconds(String text) {
    if (!text.matches("[0-9]{1,9}")) {
      return Optional.empty();
    }
    Duration asked = Duration.ofSeconds(Long.parseLong(text));
    return Optional.of(asked.compareTo(LONGEST) > 0 ? LONGEST : asked);
  }
}
