package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import vidfold.merging.MergeSpec;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;

/** An engine on a fake model; closing it proves that nothing is left over. */
final class EngineFixture implements AutoCloseable {
  static final String TENANT = "tenant";

  final FakeVideoLlm llm;
  final FakeFrames frames = new FakeFrames();
  final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  final Engine engine;

  EngineFixture() {
    this(new FakeVideoLlm(), config());
  }

  EngineFixture(FakeVideoLlm llm, EngineConfig config) {
    this.llm = llm;
    this.engine = new Engine(llm, frames, config, meters);
    engine.start();
  }

  static EngineConfig config() {
    return new EngineConfig(
        64, 4, 2, 8L << 20, 1L << 20, 1L << 20, 1L << 20, 256, Duration.ofSeconds(20));
  }

  /** The usual configuration with another bound on cached prefixes. */
  static EngineConfig cacheOf(long bytes) {
    return new EngineConfig(64, 4, 2, bytes, 0, 1L << 20, 1L << 20, 256, Duration.ofSeconds(20));
  }

  static Question.Options options(double retention, int maxTokens) {
    return new Question.Options(
        new PrefixSpec(MergeSpec.sttm("reference", retention), 2),
        new SamplingRule(2, 1, 64, true),
        SamplingParams.greedy(),
        maxTokens);
  }

  /** The usual options for a question that sees less of the prefix. */
  static Question.Options narrow(String reducer) {
    Question.Options usual = options(0.5, 24);
    return new Question.Options(
        usual.prefix(),
        usual.frames(),
        usual.sampling(),
        usual.maxTokens(),
        new QuestionReduction(reducer, null, null));
  }

  static Question question(String video, String text) {
    return question(video, text, options(0.5, 24));
  }

  static Question question(String video, String text, Question.Options options) {
    return new Question(TENANT, video, text, List.of(), null, options);
  }

  static Question turn(
      String video, String text, List<Question.Turn> history, @Nullable String session) {
    return new Question(TENANT, video, text, history, session, options(0.5, 24));
  }

  Asked ask(Question question) {
    Asked asked = new Asked();
    asked.cancellation = engine.ask(question, asked);
    return asked;
  }

  Answer answer(Question question) throws InterruptedException {
    return ask(question).answer();
  }

  /** Waits until the books of an idle engine were found right. */
  void checkIntegrity() {
    engine.checkIntegrity().orTimeout(20, TimeUnit.SECONDS).join();
  }

  static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
      LockSupport.parkNanos(200_000);
    }
  }

  /** Stops the engine and checks that nothing is open and no rule was broken. */
  @Override
  public void close() {
    engine.close();
    assertThat(llm.violations).isEmpty();
    assertThat(llm.liveHandles()).isZero();
    assertThat(engine.status().queueDepth()).isZero();
    llm.close();
  }
}
