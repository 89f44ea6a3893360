package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static vidfold.server.engine.EngineFixture.TENANT;
import static vidfold.server.engine.EngineFixture.options;
import static vidfold.server.engine.EngineFixture.question;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EngineCancellationTest {

  @Test
  void shouldStopReadingFramesThatNobodyWaitsFor() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.frames.hold("vid_a");
      Asked one = fixture.ask(question("vid_a", "1"));
      Asked two = fixture.ask(question("vid_a", "2"));
      EngineFixture.await(() -> !fixture.frames.started.isEmpty());
      one.cancellation.cancel();
      assertThat(one.failure()).isInstanceOf(CancellationException.class);
      EngineFixture.await(() -> fixture.frames.started.stream().anyMatch(read -> !read.isDone()));
      assertThat(two.isOver()).isFalse();
      two.cancellation.cancel();
      assertThat(two.failure()).isInstanceOf(CancellationException.class);
      assertThat(fixture.frames.started).allMatch(CompletableFuture::isCancelled);
    }
  }

  /** Cancels at the first touch of each kind, when the sequence is in that very stage. */
  @ParameterizedTest
  @ValueSource(strings = {"vision", "merge", "prefix", "open", "prefill 8", "decode 1", "sample"})
  void shouldFreeEverythingWhereverItIsCancelled(String stage) throws Exception {
    FakeVideoLlm llm = new FakeVideoLlm(new FakeVideoLlm.Shape(4096, 1 << 20, 1_000_000));
    try (EngineFixture fixture = new EngineFixture(llm, EngineFixture.config())) {
      AtomicReference<Asked> asked = new AtomicReference<>();
      CountDownLatch known = new CountDownLatch(1);
      llm.onTouch =
          touch -> {
            if (touch.equals(stage)) {
              awaitQuietly(known);
              asked.get().cancellation.cancel();
            }
          };
      asked.set(fixture.ask(question("vid_a", "a question of some length", options(0.5, 3000))));
      known.countDown();
      assertThat(asked.get().failure()).isInstanceOf(CancellationException.class);
      fixture.checkIntegrity();
      assertThat(llm.liveBuilds).hasValue(0);
      assertThat(llm.liveDecodings).hasValue(0);
      llm.onTouch = touch -> {};
      assertThat(fixture.answer(question("vid_a", "next", options(0.5, 4))).finishReason())
          .isEqualTo("length");
    }
  }

  @Test
  void shouldCancelAPreparation() {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.frames.hold("vid_a");
      CompletableFuture<Void> prepared =
          fixture.engine.prepare(TENANT, "vid_a", options(0.5, 4), stage -> {});
      EngineFixture.await(() -> !fixture.frames.started.isEmpty());
      prepared.cancel(true);
      EngineFixture.await(() -> fixture.frames.started.get(0).isCancelled());
      EngineFixture.await(() -> fixture.engine.status().queueDepth() == 0);
    }
  }

  @Test
  void shouldTakeAFailingListenerForACancelledOne() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Asked failing =
          new Asked() {
            @Override
            public void onText(String piece) {
              throw new IllegalStateException("the client is gone");
            }
          };
      fixture.engine.ask(question("vid_a", "what?"), failing);
      assertThat(failing.failure()).isInstanceOf(CancellationException.class);
      fixture.answer(question("vid_a", "what?"));
    }
  }

  /** Many threads ask, cancel, forget and prepare at random; nothing is lost and nothing leaks. */
  @Test
  void shouldSurviveEverythingAtOnce() throws Exception {
    FakeVideoLlm llm = new FakeVideoLlm();
    try (EngineFixture fixture = new EngineFixture(llm, EngineFixture.cacheOf(3 << 20))) {
      fixture.frames.broken.add("vid_5");
      List<Asked> all = new CopyOnWriteArrayList<>();
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 6; t++) {
        int seed = t;
        threads.add(new Thread(() -> actAtRandom(fixture, all, new Random(seed))));
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join(TimeUnit.SECONDS.toMillis(60));
        assertThat(thread.isAlive()).isFalse();
      }
      for (Asked asked : all) {
        EngineFixture.await(asked::isOver);
        assertThat(asked.ends).hasValue(1);
      }
      assertThat(all).hasSize(600);
      EngineFixture.await(
          () ->
              fixture.engine.status().queueDepth() == 0 && fixture.engine.status().building() == 0);
      fixture.checkIntegrity();
      assertThat(llm.liveBuilds).hasValue(0);
      assertThat(llm.livePrefixes.get()).isLessThanOrEqualTo(3);
    }
  }

  private static void actAtRandom(EngineFixture fixture, List<Asked> all, Random random) {
    for (int accepted = 0; accepted < 100; ) {
      String video = "vid_" + random.nextInt(6);
      try {
        switch (random.nextInt(8)) {
          case 0 -> fixture.engine.forget(TENANT, video);
          case 1 -> {
            CompletableFuture<Void> prepared =
                fixture.engine.prepare(TENANT, video, options(0.5, 9), stage -> {});
            if (random.nextBoolean()) {
              prepared.cancel(true);
            }
          }
          default -> {
            String session = random.nextInt(3) == 0 ? "ses_" + video : null;
            Asked asked =
                fixture.ask(
                    new Question(
                        TENANT,
                        video,
                        "question " + random.nextInt(9),
                        List.of(),
                        session,
                        options(random.nextBoolean() ? 0.5 : 0.3, 1 + random.nextInt(30))));
            all.add(asked);
            accepted++;
            if (random.nextInt(3) == 0) {
              asked.cancellation.cancel();
            }
          }
        }
      } catch (QueueFullException e) {
        LockSupport.parkNanos(500_000);
      }
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
