package vidfold.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** What the HTTP part counts and times. */
public final class HttpMeters {
  private static final Duration[] BUCKETS = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(200),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30)
  };

  private final MeterRegistry registry;
  private final AtomicInteger inFlight = new AtomicInteger();
  private final Counter uploaded;

  /** Registers the meters; {@code connections} is read when the registry is scraped. */
  public HttpMeters(MeterRegistry registry, Supplier<Number> connections) {
    this.registry = registry;
    this.uploaded =
        Counter.builder("vidfold.upload")
            .description("Bytes of videos that were received")
            .baseUnit("bytes")
            .register(registry);
    Gauge.builder("vidfold.http.in.flight", inFlight, AtomicInteger::get)
        .description("Requests that are received or answered")
        .register(registry);
    Gauge.builder("vidfold.http.connections", connections)
        .description("Open connections")
        .register(registry);
  }

  /** A request began; {@link #ended} follows. */
  public void began() {
    inFlight.incrementAndGet();
  }

  /**
   * A request is over.
   *
   * @param route template of its path
   * @param status 499 when the client left before it was answered
   */
  public void ended(String route, String method, int status, long nanos) {
    inFlight.decrementAndGet();
    Timer.builder("vidfold.http.requests")
        .description("Time from a request's head to the end of its response")
        .serviceLevelObjectives(BUCKETS)
        .tag("route", route)
        .tag("method", method)
        .tag("status", Integer.toString(status))
        .register(registry)
        .record(Duration.ofNanos(nanos));
  }

  public void received(int bytes) {
    uploaded.increment(bytes);
  }
}
