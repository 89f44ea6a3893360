package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static vidfold.server.engine.EngineFixture.TENANT;
import static vidfold.server.engine.EngineFixture.cacheOf;
import static vidfold.server.engine.EngineFixture.options;
import static vidfold.server.engine.EngineFixture.question;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import vidfold.merging.MergeSpec;
import vidfold.model.PrefixSpec;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;

class EngineTest {

  @Test
  void shouldEncodeAVideoOnceForAllQuestions() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Answer first = fixture.answer(question("vid_a", "what is it?"));
      int touched = fixture.llm.visionCalls.get();
      Answer second = fixture.answer(question("vid_a", "and where?"));

      assertThat(first.receipt().cache()).isEqualTo(new Answer.CacheReceipt(false, "none"));
      assertThat(second.receipt().cache()).isEqualTo(new Answer.CacheReceipt(true, "device"));
      assertThat(fixture.frames.reads).hasValue(1);
      assertThat(fixture.llm.visionCalls).hasValue(touched).hasValue(FakeVideoLlm.VISION_CHUNKS);
      assertThat(second.usage().cachedTokens()).isEqualTo(FakeVideoLlm.PROMPT_TOKENS);
      assertThat(second.receipt().ms().vision()).isZero();
      assertThat(first.receipt().ms().vision()).isEqualTo(3);
      assertThat(first.receipt().variant()).isEqualTo(second.receipt().variant());
    }
  }

  @Test
  void shouldSayWhenTheRetentionWasLeftToTheReducer() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Question.Options usual = options(0.5, 24);
      Question.Options auto =
          new Question.Options(
              new PrefixSpec(MergeSpec.auto("sttm", "reference"), 0),
              usual.frames(),
              usual.sampling(),
              usual.maxTokens(),
              null);
      Answer asked = fixture.answer(question("vid_a", "what is it?", usual));
      Answer chosen = fixture.answer(question("vid_a", "what is it?", auto));
      assertThat(asked.receipt().retention().asked()).isEqualTo(0.5);
      assertThat(asked.receipt().retention().auto()).isNull();
      assertThat(chosen.receipt().retention().asked()).isNull();
      assertThat(chosen.receipt().retention().auto()).isTrue();
    }
  }

  @Test
  void shouldAnswerAsAFreshServerWould() throws Exception {
    Answer alone;
    try (EngineFixture fresh = new EngineFixture()) {
      alone = fresh.answer(question("vid_a", "and where?"));
    }
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "what is it?"));
      Answer cached = fixture.answer(question("vid_a", "and where?"));
      assertThat(cached.tokens()).isEqualTo(alone.tokens()).isNotEmpty();
      assertThat(cached.answer()).isEqualTo(alone.answer());
    }
  }

  @Test
  void shouldShareOneBuildAmongThoseWhoWait() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.frames.hold("vid_a");
      List<Asked> asked =
          IntStream.range(0, 10)
              .mapToObj(i -> fixture.ask(question("vid_a", "question " + i)))
              .toList();
      EngineFixture.await(() -> fixture.frames.reads.get() == 1);
      fixture.frames.release("vid_a");
      for (Asked each : asked) {
        assertThat(each.answer().receipt().cache().hit()).isFalse();
      }
      assertThat(fixture.frames.reads).hasValue(1);
      assertThat(fixture.llm.buildsStarted).hasValue(1);
    }
  }

  @Test
  void shouldAnswerTheSameWhoeverElseRuns() throws Exception {
    List<Answer> alone = new ArrayList<>();
    try (EngineFixture fixture = new EngineFixture()) {
      for (int i = 0; i < 12; i++) {
        alone.add(fixture.answer(question("vid_" + i % 3, "question number " + i)));
      }
    }
    try (EngineFixture fixture = new EngineFixture()) {
      List<Asked> asked =
          IntStream.range(0, 12)
              .mapToObj(i -> fixture.ask(question("vid_" + i % 3, "question number " + i)))
              .toList();
      for (int i = 0; i < 12; i++) {
        assertThat(asked.get(i).answer().tokens()).isEqualTo(alone.get(i).tokens());
      }
      assertThat(fixture.llm.log).anyMatch(touch -> touch.matches("decode [2-4]"));
      assertThat(fixture.llm.log).noneMatch(touch -> touch.matches("decode [5-9]"));
    }
  }

  @Test
  void shouldDecodeBetweenTheChunksOfALongVideo() throws Exception {
    FakeVideoLlm endless = new FakeVideoLlm(new FakeVideoLlm.Shape(4096, 1 << 20, 1_000_000));
    try (EngineFixture fixture = new EngineFixture(endless, EngineFixture.config())) {
      CountDownLatch decoding = new CountDownLatch(1);
      endless.onTouch =
          touch -> {
            if (touch.startsWith("decode")) {
              decoding.countDown();
            }
          };
      Asked running = fixture.ask(question("vid_a", "go on", options(0.5, 2000)));
      assertThat(decoding.await(20, TimeUnit.SECONDS)).isTrue();
      endless.log.clear();
      fixture.answer(question("vid_b", "next", options(0.5, 4)));
      List<String> log = List.copyOf(endless.log);
      int start = log.indexOf("start");
      List<String> during = log.subList(start, log.lastIndexOf("close build"));
      assertThat(during.stream().filter("vision"::equals)).hasSize(FakeVideoLlm.VISION_CHUNKS);
      for (int i = 1; i < during.size(); i++) {
        assertThat(during.get(i).equals("vision") && during.get(i - 1).equals("vision"))
            .as("two chunks in a row: %s", during)
            .isFalse();
      }
      running.cancellation.cancel();
      assertThat(running.failure()).isInstanceOf(CancellationException.class);
    }
  }

  @Test
  void shouldKeepVariantsSideBySide() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Answer half = fixture.answer(question("vid_a", "what?", options(0.5, 24)));
      Answer third = fixture.answer(question("vid_a", "what?", options(0.3, 24)));
      Answer again = fixture.answer(question("vid_a", "what?", options(0.5, 24)));
      assertThat(half.receipt().cache()).isEqualTo(new Answer.CacheReceipt(false, "none"));
      assertThat(third.receipt().cache().hit()).isFalse();
      assertThat(third.receipt().variant()).isNotEqualTo(half.receipt().variant());
      assertThat(again.receipt().cache().hit()).isTrue();
      assertThat(again.tokens()).isEqualTo(half.tokens());
      EngineFixture.await(() -> fixture.engine.status().prefixes() == 2);
    }
  }

  @Test
  void shouldBuildAFurtherVariantFromTheVisualTokensOfTheFirst() throws Exception {
    Answer alone;
    try (EngineFixture fresh = new EngineFixture()) {
      alone = fresh.answer(question("vid_a", "what?", options(0.3, 24)));
    }
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "what?"));
      Answer third = fixture.answer(question("vid_a", "what?", options(0.3, 24)));
      assertThat(third.tokens()).isEqualTo(alone.tokens());
      assertThat(third.receipt().cache()).isEqualTo(new Answer.CacheReceipt(false, "visual"));
      assertThat(third.receipt().ms().decode() + third.receipt().ms().vision()).isZero();
      assertThat(third.receipt().ms().prefill()).isPositive();
      assertThat(third.receipt().frames()).isEqualTo(alone.receipt().frames());
      assertThat(fixture.frames.reads).hasValue(1);
      assertThat(fixture.llm.visionCalls).hasValue(FakeVideoLlm.VISION_CHUNKS);
    }
  }

  @Test
  void shouldKeepVisualTokensWithinTheirBudgetAndForgetThem() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      for (int i = 0; i < 6; i++) {
        fixture.answer(question("vid_" + i, "what?"));
      }
      EngineFixture.await(() -> fixture.engine.status().visualBytes() == 1 << 20);
      assertThat(fixture.llm.liveEncoded).hasValue(4);
      for (int i = 0; i < 6; i++) {
        fixture.engine.forget(TENANT, "vid_" + i);
      }
      fixture.checkIntegrity();
      assertThat(fixture.llm.liveEncoded).hasValue(0);
      Answer again = fixture.answer(question("vid_5", "what?", options(0.3, 24)));
      assertThat(again.receipt().cache().tier()).isEqualTo("none");
    }
  }

  @Test
  void shouldFreeTheColdestPrefixAndBuildItAgain() throws Exception {
    try (EngineFixture fixture = new EngineFixture(new FakeVideoLlm(), cacheOf(2 << 20))) {
      Answer before = fixture.answer(question("vid_a", "what?"));
      fixture.answer(question("vid_b", "what?"));
      fixture.answer(question("vid_c", "what?"));
      EngineFixture.await(() -> fixture.llm.livePrefixes.get() == 2);
      Answer after = fixture.answer(question("vid_a", "what?"));
      assertThat(after.receipt().cache().hit()).isFalse();
      assertThat(after.tokens()).isEqualTo(before.tokens());
      EngineFixture.await(() -> fixture.engine.status().prefixBytes() == 2 << 20);
      fixture.checkIntegrity();
    }
  }

  @Test
  void shouldAnswerFromAPrefixThatIsLargerThanTheCache() throws Exception {
    try (EngineFixture fixture = new EngineFixture(new FakeVideoLlm(), cacheOf(1 << 19))) {
      Answer answer = fixture.answer(question("vid_a", "what?"));
      assertThat(answer.receipt().warnings()).anyMatch(w -> w.contains("larger than the whole"));
      fixture.checkIntegrity();
      assertThat(fixture.llm.livePrefixes).hasValue(0);
    }
  }

  @Test
  void shouldRefuseWhenTheQueueIsFullAndGiveThePlaceBack() throws Exception {
    EngineConfig two =
        new EngineConfig(2, 1, 1, 8 << 20, 1 << 20, 1 << 20, 1 << 20, 256, Duration.ofSeconds(20));
    try (EngineFixture fixture = new EngineFixture(new FakeVideoLlm(), two)) {
      fixture.frames.hold("vid_a");
      Asked first = fixture.ask(question("vid_a", "1"));
      Asked second = fixture.ask(question("vid_a", "2"));
      assertThatThrownBy(() -> fixture.ask(question("vid_a", "3")))
          .isInstanceOf(QueueFullException.class)
          .hasMessageContaining("2");
      fixture.frames.release("vid_a");
      first.answer();
      second.answer();
      fixture.answer(question("vid_a", "3"));
    }
  }

  @Test
  void shouldFailOnlyTheQuestionsOfABrokenVideo() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.frames.broken.add("vid_b");
      fixture.frames.missing.add("vid_m");
      Asked broken = fixture.ask(question("vid_b", "what?"));
      Asked missing = fixture.ask(question("vid_m", "what?"));
      fixture.answer(question("vid_a", "what?"));
      assertThat(broken.failure()).hasMessage("the video is broken");
      assertThat(missing.failure()).hasMessage("no such video");
    }
  }

  @Test
  void shouldFailOnlyTheSequenceThatTheModelFailsFor() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "warm"));
      fixture.llm.onTouch =
          touch -> {
            if (touch.equals("prefill 5")) {
              throw new IllegalStateException("out of memory");
            }
          };
      Asked failing = fixture.ask(question("vid_a", "13 characters"));
      Asked fine = fixture.ask(question("vid_a", "1234567"));
      assertThat(failing.failure()).hasMessage("out of memory");
      fine.answer();
      fixture.checkIntegrity();
    }
  }

  @Test
  void shouldFailWhatCanNeverBeAnswered() throws Exception {
    FakeVideoLlm small = new FakeVideoLlm(new FakeVideoLlm.Shape(64, 1 << 20, 1_000_000));
    try (EngineFixture fixture = new EngineFixture(small, EngineFixture.config())) {
      assertThat(fixture.ask(question("vid_a", "x".repeat(50))).failure())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("64 positions");
      Question.Options deep =
          new Question.Options(
              new PrefixSpec(MergeSpec.none(), 4),
              new SamplingRule(2, 1, 64, true),
              SamplingParams.greedy(),
              4);
      assertThat(fixture.ask(question("vid_a", "?", deep)).failure())
          .hasMessage("merge layer must be below the model's 4 layers but was 4");
      Answer shortened = fixture.answer(question("vid_a", "x".repeat(30), options(0.5, 100)));
      assertThat(shortened.finishReason()).isEqualTo("length");
      assertThat(shortened.usage().completionTokens()).isEqualTo(14);
      assertThat(shortened.receipt().warnings()).anyMatch(w -> w.contains("from 100 to 14"));
    }
  }

  @Test
  void shouldPrepareAVideoAheadOfQuestions() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      List<AnswerService.Stage> stages = new CopyOnWriteArrayList<>();
      fixture
          .engine
          .prepare(TENANT, "vid_a", options(0.5, 24), stages::add)
          .get(20, TimeUnit.SECONDS);
      assertThat(stages)
          .containsExactly(AnswerService.Stage.DECODING, AnswerService.Stage.ENCODING);
      assertThat(fixture.answer(question("vid_a", "what?")).receipt().cache().hit()).isTrue();
    }
  }

  @Test
  void shouldForgetAVideoAlsoWhileItIsBuiltAndUsed() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(question("vid_a", "what?"));
      fixture.engine.forget(TENANT, "vid_a");
      fixture.checkIntegrity();
      assertThat(fixture.llm.livePrefixes).hasValue(0);

      fixture.frames.hold("vid_b");
      Asked waiting = fixture.ask(question("vid_b", "what?"));
      EngineFixture.await(() -> fixture.frames.reads.get() == 2);
      fixture.frames.missing.add("vid_b");
      fixture.engine.forget(TENANT, "vid_b");
      assertThat(waiting.failure()).hasMessage("no such video");
      assertThat(fixture.frames.started.get(1)).isCancelled();
    }
  }

  @Test
  void shouldFinishAcceptedWorkWhenClosed() throws Exception {
    EngineFixture fixture = new EngineFixture();
    fixture.frames.hold("vid_a");
    Asked asked = fixture.ask(question("vid_a", "what?"));
    CompletableFuture<Void> closing = CompletableFuture.runAsync(fixture.engine::close);
    EngineFixture.await(() -> !accepts(fixture.engine));
    fixture.frames.release("vid_a");
    asked.answer();
    closing.get(20, TimeUnit.SECONDS);
    fixture.close();
  }

  @Test
  void shouldGiveUpWorkThatOutlastsTheGrace() throws Exception {
    EngineConfig impatient =
        new EngineConfig(64, 4, 2, 8 << 20, 1 << 20, 1 << 20, 1 << 20, 256, Duration.ZERO);
    EngineFixture fixture = new EngineFixture(new FakeVideoLlm(), impatient);
    fixture.frames.hold("vid_a");
    Asked asked = fixture.ask(question("vid_a", "what?"));
    CompletableFuture<Void> prepared =
        fixture.engine.prepare(TENANT, "vid_a", options(0.3, 24), stage -> {});
    fixture.close();
    assertThat(asked.failure()).isInstanceOf(CancellationException.class);
    assertThat(prepared).isCompletedExceptionally();
  }

  @Test
  void shouldCountWhatItDoes() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Answer answer = fixture.answer(question("vid_a", "what?"));
      fixture.answer(question("vid_a", "what?"));
      assertThat(fixture.meters.get("vidfold.tokens.generated").counter().count())
          .isEqualTo(2 * answer.usage().completionTokens());
      assertThat(
              fixture.meters.get("vidfold.prefix.requests").tag("result", "hit").counter().count())
          .isEqualTo(1);
      assertThat(fixture.meters.get("vidfold.ttft").timer().count()).isEqualTo(2);
    }
  }

  private static boolean accepts(Engine engine) {
    return engine.status().accepting();
  }
}
