package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static vidfold.server.engine.EngineFixture.question;

import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.torch.TorchException;

/** What the engine does when the device is out of memory. */
class EngineMemoryTest {

  @ParameterizedTest
  @ValueSource(strings = {"vision", "merge", "prefix"})
  void shouldFreeUnusedPrefixesAndBuildOnceMore(String where) throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "what is it?"));
      fixture.llm.onTouch = failing(1, where::equals);
      Answer answer = fixture.answer(question("vid_b", "what is it?"));

      assertThat(answer.receipt().cache().hit()).isFalse();
      assertThat(fixture.llm.buildsStarted).hasValue(3);
      EngineFixture.await(() -> fixture.engine.status().prefixes() == 1);
      fixture.checkIntegrity();
    }
  }

  @Test
  void shouldRefuseWhenItIsNotEnoughAndGoOn() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "what is it?"));
      fixture.llm.onTouch = failing(2, "vision"::equals);

      assertThat(fixture.ask(question("vid_b", "what is it?")).failure())
          .isInstanceOfSatisfying(
              DeviceFullException.class,
              full -> {
                assertThat(full.use().asked()).isEqualTo(1L << 31);
                assertThat(full.use().prefixes()).isZero();
              })
          .hasMessageContaining("2147483648 bytes more");
      assertThat(fixture.answer(question("vid_b", "what is it?")).answer()).isNotNull();
      fixture.checkIntegrity();
    }
  }

  @Test
  void shouldNotReadAgainWhenNothingCouldBeFreed() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.llm.onTouch = failing(1, "vision"::equals);
      assertThat(fixture.ask(question("vid_a", "what is it?")).failure())
          .isInstanceOf(DeviceFullException.class);
      assertThat(fixture.frames.reads).hasValue(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"open", "prefill 8", "decode 1"})
  void shouldTryAQuestionOnceMoreWithUnusedPrefixesFreed(String where) throws Exception {
    String question = "what is it that moves?";
    Answer expected;
    try (EngineFixture fresh = new EngineFixture()) {
      expected = fresh.answer(question("vid_b", question));
    }
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "what is it?"));
      fixture.llm.onTouch = failing(1, where::equals);
      Answer answer = fixture.answer(question("vid_b", question));

      assertThat(answer.tokens()).isEqualTo(expected.tokens());
      EngineFixture.await(() -> fixture.engine.status().prefixes() == 1);
      fixture.checkIntegrity();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"open", "prefill 8", "decode 1", "sample"})
  void shouldRefuseAQuestionThatFindsNoRoom(String where) throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.llm.onTouch = failing(Integer.MAX_VALUE, where::equals);
      assertThat(fixture.ask(question("vid_a", "what is it that moves?")).failure())
          .isInstanceOf(DeviceFullException.class);
      fixture.llm.onTouch = touch -> {};
      assertThat(fixture.answer(question("vid_a", "what is it?")).receipt().cache().hit()).isTrue();
      fixture.checkIntegrity();
    }
  }

  @Test
  void shouldTellAPreparationToo() {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.llm.onTouch = failing(1, "vision"::equals);
      Throwable failure =
          fixture
              .engine
              .prepare(EngineFixture.TENANT, "vid_a", EngineFixture.options(0.5, 1), stage -> {})
              .handle((nothing, thrown) -> thrown)
              .join();
      assertThat(failure).isNotInstanceOf(CompletionException.class);
      assertThat(failure).isInstanceOf(DeviceFullException.class);
    }
  }

  @Test
  void shouldGiveUpIdleConversationsFirst() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(EngineFixture.turn("vid_a", "what is it?", List.of(), "ses_1"));
      EngineFixture.await(() -> fixture.engine.status().conversations() == 1);
      fixture.llm.onTouch = failing(1, "vision"::equals);
      fixture.answer(question("vid_b", "what is it?"));

      EngineFixture.await(() -> fixture.engine.status().conversations() == 0);
      fixture.checkIntegrity();
    }
  }

  /** Reports a device without room at the first so many touches that fit. */
  private static Consumer<String> failing(int times, Predicate<String> where) {
    AtomicInteger left = new AtomicInteger(times);
    return touch -> {
      if (where.test(touch) && left.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw TorchException.outOfMemory("CUDA out of memory. Tried to allocate 2.00 GiB");
      }
    };
  }
}
