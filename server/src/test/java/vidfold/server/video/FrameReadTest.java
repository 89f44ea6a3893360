package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.model.FrameSize;
import vidfold.model.SamplingRule;
import vidfold.model.VideoFrames;
import vidfold.server.engine.FrameSource.Clip;
import vidfold.server.video.StoreException.Kind;
import vidfold.video.FrameRule;
import vidfold.video.TestClips;
import vidfold.video.VideoException;

class FrameReadTest {
  private static final SamplingRule ONE_A_SECOND = new SamplingRule(1, 1, 16, true);

  @TempDir private Path folder;

  @AfterEach
  void noChildAndNoFileIsLeft() throws Exception {
    for (ProcessHandle child : ProcessHandle.current().descendants().toList()) {
      child.onExit().get(30, TimeUnit.SECONDS);
    }
    assertThat(Store.openFiles(folder)).isEmpty();
  }

  @Test
  void shouldReadTheFramesOfTheRuleAtTheModelsSize() {
    FrameSizing half = (frames, width, height) -> new FrameSize(width / 2, height / 2);
    try (Store store = Store.open(folder, half)) {
      VideoRecord video = store.upload(TestClips.shared().h264Mp4());
      Clip clip = store.library.read("default", video.id(), ONE_A_SECOND).join();

      VideoFrames frames = clip.frames();
      assertThat(List.of(frames.width(), frames.height())).containsExactly(80, 48);
      assertThat(frames.rgb()).hasSize(4).allMatch(ByteBuffer::isDirect);
      assertThat(frames.rgb().stream().map(rgb -> TestClips.frameNumber(rgb, 80, 48)))
          .as("one a second of 90 at 30 a second, and the last")
          .containsExactly(0, 30, 60, 89);
      assertThat(frames.times().get(1)).isCloseTo(1.0, within(1e-3));
      assertThat(clip.probeMillis()).isPositive();
      assertThat(clip.decodeMillis()).isPositive();
      assertThat(clip.warnings()).isEmpty();
    }
  }

  @Test
  void shouldProbeOnceAndDecodeEachTime() {
    try (Store store = Store.open(folder)) {
      VideoRecord video = store.upload(TestClips.shared().h264Mp4());
      store.library.read("default", video.id(), ONE_A_SECOND).join();
      Clip second = store.library.read("default", video.id(), ONE_A_SECOND).join();
      assertThat(second.probeMillis()).isZero();
      assertThat(store.decoder.decodesStarted()).isEqualTo(2);
    }
  }

  @Test
  void shouldShareTheFrameThatMakesTheCountEven() {
    try (Store store = Store.open(folder)) {
      VideoRecord video = store.upload(TestClips.shared().oneFrame());
      VideoFrames frames = store.library.read("default", video.id(), ONE_A_SECOND).join().frames();
      assertThat(frames.rgb()).hasSize(2);
      assertThat(frames.rgb().get(0)).isEqualTo(frames.rgb().get(1));
      assertThat(frames.times().get(0)).isEqualTo(frames.times().get(1));
    }
  }

  @Test
  void shouldPassOnWhatIsOddAboutTheVideo() {
    try (Store store = Store.open(folder)) {
      VideoRecord video = store.upload(TestClips.shared().truncatedMkv());
      assertThat(store.library.read("default", video.id(), ONE_A_SECOND).join().warnings())
          .anyMatch(warning -> warning.contains("cut off"));
    }
  }

  @Test
  void shouldSayWhyAVideoCannotBeRead() {
    try (Store store = Store.open(folder)) {
      VideoRecord text = store.upload(TestClips.shared().text());
      assertThat(Store.failureOf(store.library.read("default", text.id(), ONE_A_SECOND)))
          .asInstanceOf(type(VideoException.class))
          .extracting(VideoException::reason)
          .isEqualTo(VideoException.Reason.NOT_A_VIDEO);
      assertKind(store.library.read("default", "vid_NONE", ONE_A_SECOND), Kind.NO_SUCH_VIDEO);
      assertKind(store.library.read("other", text.id(), ONE_A_SECOND), Kind.NO_SUCH_VIDEO);
      store.library.fail("default", text.id(), Failures.INTERRUPTED);
      assertKind(store.library.read("default", text.id(), ONE_A_SECOND), Kind.NOT_READY);
    }
  }

  private static void assertKind(CompletableFuture<?> future, Kind kind) {
    assertThat(Store.failureOf(future))
        .asInstanceOf(type(StoreException.class))
        .extracting(StoreException::kind)
        .isEqualTo(kind);
  }

  @Test
  void shouldRefuseFramesThatDoNotFitIntoMemoryBeforeDecoding() {
    FrameSizing huge = (frames, width, height) -> new FrameSize(16_000, 16_000);
    try (Store store = Store.open(folder, huge)) {
      VideoRecord video = store.upload(TestClips.shared().h264Mp4());
      assertKind(store.library.read("default", video.id(), ONE_A_SECOND), Kind.TOO_LARGE);
      assertThat(store.decoder.decodesStarted()).isZero();
    }
  }

  @Test
  void shouldTellAShapeThatTheModelDoesNotTake() {
    FrameSizing picky =
        (frames, width, height) -> {
          throw new IllegalArgumentException("too thin");
        };
    try (Store store = Store.open(folder, picky)) {
      VideoRecord video = store.upload(TestClips.shared().h264Mp4());
      assertKind(store.library.read("default", video.id(), ONE_A_SECOND), Kind.UNSUPPORTED_SHAPE);
    }
  }

  @Test
  void shouldStopTheDecoderWhenTheFutureIsCancelled() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    try (Store store = Store.open(folder, waiting(reached, goOn))) {
      VideoRecord video = store.upload(TestClips.shared().h264Mp4());
      CompletableFuture<Clip> read = store.library.read("default", video.id(), ONE_A_SECOND);
      assertThat(reached.await(30, TimeUnit.SECONDS)).isTrue();
      read.cancel(true);
      goOn.countDown();
      assertThat(Store.failureOf(read)).isInstanceOf(CancellationException.class);
    }
  }

  @Test
  void shouldStopReadsOfAVideoThatIsDeleted() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    try (Store store = Store.open(folder, waiting(reached, goOn))) {
      VideoRecord video = store.upload(TestClips.shared().h264Mp4());
      CompletableFuture<Clip> read = store.library.read("default", video.id(), ONE_A_SECOND);
      assertThat(reached.await(30, TimeUnit.SECONDS)).isTrue();
      store.library.delete("default", video.id());
      goOn.countDown();
      assertKind(read, Kind.NO_SUCH_VIDEO);
    }
  }

  /** Holds a read between its probe and its decode. */
  private static FrameSizing waiting(CountDownLatch reached, CountDownLatch goOn) {
    return (frames, width, height) -> {
      reached.countDown();
      try {
        if (!goOn.await(30, TimeUnit.SECONDS)) {
          throw new IllegalStateException("nobody said go on");
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return new FrameSize(80, 48);
    };
  }

  @Test
  void shouldMakeCapsEvenForModelsThatTakePairs() {
    assertThat(FrameReader.frameRule(new SamplingRule(2, 4, 7, true)))
        .isEqualTo(new FrameRule(2, 6, 4, true));
    assertThat(FrameReader.frameRule(new SamplingRule(2, 1, 1, true)))
        .isEqualTo(new FrameRule(2, 1, 1, false));
    assertThat(FrameReader.frameRule(new SamplingRule(2, 7, 7, true)))
        .isEqualTo(new FrameRule(2, 6, 6, true));
    assertThat(FrameReader.frameRule(new SamplingRule(2, 1, 7, false)))
        .isEqualTo(new FrameRule(2, 7, 1, false));
  }
}
