package vidfold.server.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.Supplier;

/** What the engine counts and times. */
public final class EngineMeters {
  private final MeterRegistry registry;
  private final Timer ttft;
  private final Counter hits;
  private final Counter misses;
  private final Counter tokens;

  public EngineMeters(MeterRegistry registry) {
    this.registry = registry;
    this.ttft =
        Timer.builder("vidfold.ttft")
            .description("Time from a question to the first token of its answer")
            .publishPercentileHistogram()
            .minimumExpectedValue(Duration.ofMillis(1))
            .maximumExpectedValue(Duration.ofMinutes(5))
            .register(registry);
    this.hits = prefixRequests("hit");
    this.misses = prefixRequests("miss");
    this.tokens =
        Counter.builder("vidfold.tokens.generated")
            .description("Tokens sampled for answers")
            .register(registry);
  }

  /** Shows values that are read when the registry is scraped, from any thread. */
  public void observe(Supplier<Number> queueDepth, Supplier<Number> running) {
    gauge("vidfold.queue.depth", "Questions and preparations that wait", queueDepth);
    gauge("vidfold.running", "Questions being prefilled or decoded", running);
  }

  /** Shows native memory, as {@link #observe} does. */
  public void observeBytes(Supplier<Number> prefixes, Supplier<Number> visualTokens) {
    bytes("vidfold.prefix.bytes", "Native memory of prefixes, cached or in use", prefixes);
    bytes("vidfold.visual.bytes", "Native memory of cached visual tokens", visualTokens);
  }

  public void firstToken(double millis) {
    ttft.record(duration(millis));
  }

  /** Records the time of one stage of one question; stages that did not run are left out. */
  public void stage(String stage, double millis) {
    if (millis > 0) {
      Timer.builder("vidfold.stage")
          .description("Time of a stage of a question")
          .tag("stage", stage)
          .register(registry)
          .record(duration(millis));
    }
  }

  /** Counts a question by whether it found its prefix in the cache. */
  public void prefixRequest(boolean hit) {
    (hit ? hits : misses).increment();
  }

  public void tokenGenerated() {
    tokens.increment();
  }

  /** Counts an ended question: {@code stop}, {@code length}, {@code cancelled}, {@code failed}. */
  public void finished(String outcome) {
    Counter.builder("vidfold.question.finished")
        .description("Ended questions")
        .tag("outcome", outcome)
        .register(registry)
        .increment();
  }

  private Counter prefixRequests(String result) {
    return Counter.builder("vidfold.prefix.requests")
        .description("Questions that found their video's prefix in the cache, or did not")
        .tag("result", result)
        .register(registry);
  }

  private void gauge(String name, String description, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).register(registry);
  }

  private void bytes(String name, String description, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).baseUnit("bytes").register(registry);
  }

  private static Duration duration(double millis) {
    return Duration.ofNanos((long) (millis * 1e6));
  }
}
