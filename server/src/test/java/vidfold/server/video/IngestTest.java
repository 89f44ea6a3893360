package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import vidfold.merging.MergeSpec;
import vidfold.model.PrefixSpec;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.server.engine.AnswerService.Stage;
import vidfold.server.engine.Question;
import vidfold.server.video.ScriptedAnswers.Preparation;
import vidfold.server.video.VideoRecord.State;
import vidfold.video.TestClips;

class IngestTest {
  private static final Question.Options OPTIONS =
      new Question.Options(
          new PrefixSpec(MergeSpec.none(), 0),
          new SamplingRule(1, 1, 16, true),
          SamplingParams.greedy(),
          16);

  @TempDir private Path folder;
  private Store store;
  private ScriptedAnswers answers;
  private Ingest ingest;

  @BeforeEach
  void open() {
    store = Store.open(folder);
    answers = new ScriptedAnswers();
    ingest = new Ingest(store.library, answers);
  }

  @AfterEach
  void close() {
    ingest.close();
    store.close();
    assertThat(Store.openFiles(folder)).isEmpty();
  }

  private void restart() {
    close();
    open();
  }

  @Test
  void shouldGoThroughEveryStateAndKeepEachOnDisk() throws Exception {
    VideoRecord stored = store.upload(TestClips.shared().withAudio());
    CompletableFuture<VideoRecord> settled = ingest.ingest(stored, OPTIONS);
    Preparation preparation = answers.next();
    assertThat(preparation.options()).isEqualTo(OPTIONS);
    assertThat(state(stored)).isEqualTo(State.PROBING);

    preparation.stages().accept(Stage.DECODING);
    awaitState(stored, State.DECODING);
    preparation.stages().accept(Stage.ENCODING);
    awaitState(stored, State.ENCODING);
    assertThat(settled).isNotDone();
    preparation.end().complete(null);

    VideoRecord ready = settled.get(30, TimeUnit.SECONDS);
    assertThat(ready.state()).isEqualTo(State.READY);
    assertThat(ready.failure()).isNull();
    assertThat(ready.facts())
        .isEqualTo(
            new VideoRecord.Facts(3.0, 160, 96, 90, 30.0, "h264", ready.facts().container(), true));
    assertThat(store.library.find("default", stored.id())).contains(ready);
    restart();
    assertThat(store.library.find("default", stored.id())).contains(ready);
  }

  private State state(VideoRecord video) {
    return store.library.find("default", video.id()).orElseThrow().state();
  }

  /** Stages are written on ingest's own thread; a call that goes through it waits for them. */
  private void awaitState(VideoRecord video, State state) throws Exception {
    CompletableFuture<VideoRecord> barrier = ingest.settled("default", "vid_NONE");
    Store.failureOf(barrier);
    assertThat(state(video)).isEqualTo(state);
  }

  @Test
  void shouldFailWhatIsNoVideoAndDropItsBytes() {
    VideoRecord stored = store.upload(TestClips.shared().text());
    VideoRecord failed = ingest.ingest(stored, OPTIONS).join();
    assertThat(failed.state()).isEqualTo(State.FAILED);
    assertThat(failed.failure().type()).isEqualTo("not-a-video");
    assertThat(failed.failure().detail()).contains("not a video").doesNotContain("/");
    assertThat(store.filesIn("videos")).isEmpty();
    assertThat(ingest.settled("default", stored.id()).join()).isEqualTo(failed);

    assertThat(failureType(TestClips.shared().audioOnly())).isEqualTo("no-video-stream");
    assertThat(failureType(TestClips.shared().empty())).isEqualTo("not-a-video");
    assertThat(failureType(TestClips.shared().truncatedMp4())).isEqualTo("truncated-video");
    assertThat(failureType(TestClips.shared().unsupportedCodec())).isEqualTo("unsupported-codec");
    assertThat(answers.asked()).isZero();
  }

  @Test
  void shouldLogWhyAVideoCannotBeUsedWithoutWhatItIsCalled() {
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger(Ingest.class);
    logger.addAppender(lines);
    logger.setLevel(Level.INFO);
    lines.start();
    try {
      VideoRecord failed =
          ingest.ingest(store.upload(TestClips.shared().audioOnly()), OPTIONS).join();

      assertThat(lines.list)
          .extracting(ILoggingEvent::getFormattedMessage)
          .containsExactly(failed.id() + " cannot be used: no-video-stream");
    } finally {
      logger.detachAppender(lines);
      logger.setLevel(null);
    }
  }

  private String failureType(Path clip) {
    return ingest.ingest(store.upload(clip), OPTIONS).join().failure().type();
  }

  @Test
  void shouldIngestAnewWhenTheBytesOfAFailedVideoComeAgain() throws Exception {
    VideoRecord stored = store.upload(TestClips.shared().h264Mp4());
    CompletableFuture<VideoRecord> first = ingest.ingest(stored, OPTIONS);
    answers.next().end().completeExceptionally(new IllegalStateException("out of memory"));
    VideoRecord failed = first.join();
    assertThat(failed.failure().type()).isEqualTo("internal-error");

    VideoRecord again = store.upload(TestClips.shared().h264Mp4());
    assertThat(again.id()).isEqualTo(stored.id());
    CompletableFuture<VideoRecord> second = ingest.ingest(again, OPTIONS);
    answers.next().end().complete(null);
    assertThat(second.join().state()).isEqualTo(State.READY);
    assertThat(second.join().failure()).isNull();
  }

  @Test
  void shouldJoinAnIngestThatIsUnderWayAndPrepareOnce() throws Exception {
    VideoRecord stored = store.upload(TestClips.shared().h264Mp4());
    CompletableFuture<VideoRecord> first = ingest.ingest(stored, OPTIONS);
    CompletableFuture<VideoRecord> second = ingest.ingest(stored, OPTIONS);
    CompletableFuture<VideoRecord> waiting = ingest.settled("default", stored.id());
    second.cancel(true);
    answers.next().end().complete(null);
    assertThat(first.join().state()).isEqualTo(State.READY);
    assertThat(waiting.join()).isEqualTo(first.join());
    assertThat(ingest.ingest(stored, OPTIONS).join()).isEqualTo(first.join());
    assertThat(answers.asked()).isZero();
  }

  @Test
  void shouldWaitWhenTheEngineIsFull() throws Exception {
    answers.beFull(2);
    CompletableFuture<VideoRecord> settled =
        ingest.ingest(store.upload(TestClips.shared().h264Mp4()), OPTIONS);
    answers.next().end().complete(null);
    assertThat(settled.join().state()).isEqualTo(State.READY);
  }

  @Test
  void shouldLeaveTheQueueToQuestionsWhenManyVideosWait() throws Exception {
    List<CompletableFuture<VideoRecord>> all = new ArrayList<>();
    for (Path clip :
        List.of(
            TestClips.shared().h264Mp4(),
            TestClips.shared().vp9Webm(),
            TestClips.shared().oneFrame(),
            TestClips.shared().withAudio())) {
      all.add(ingest.ingest(store.upload(clip), OPTIONS));
    }
    Preparation first = answers.next();
    Preparation second = answers.next();
    Store.failureOf(ingest.settled("default", "vid_NONE"));
    assertThat(answers.asked()).isZero();
    first.end().complete(null);
    Preparation third = answers.next();
    second.end().complete(null);
    Preparation fourth = answers.next();
    third.end().complete(null);
    fourth.end().complete(null);
    for (CompletableFuture<VideoRecord> each : all) {
      assertThat(each.get(30, TimeUnit.SECONDS).state()).isEqualTo(State.READY);
    }
  }

  @Test
  void shouldStopWhenTheVideoIsDeleted() throws Exception {
    VideoRecord stored = store.upload(TestClips.shared().h264Mp4());
    CompletableFuture<VideoRecord> settled = ingest.ingest(stored, OPTIONS);
    Preparation preparation = answers.next();
    assertThat(store.library.delete("default", stored.id())).isTrue();

    assertThat(Store.failureOf(settled))
        .asInstanceOf(type(StoreException.class))
        .extracting(StoreException::kind)
        .isEqualTo(StoreException.Kind.NO_SUCH_VIDEO);
    Store.failureOf(ingest.settled("default", "vid_NONE"));
    assertThat(preparation.end()).isCancelled();
    assertThat(answers.forgotten()).containsOnly(stored.id());
    preparation.stages().accept(Stage.ENCODING);
    assertThat(Store.failureOf(ingest.settled("default", stored.id())))
        .isInstanceOf(StoreException.class);
    assertThat(store.filesIn("videos")).isEmpty();
  }

  @Test
  void shouldForgetAReadyVideoThatIsDeleted() {
    VideoRecord stored = store.upload(TestClips.shared().h264Mp4());
    store.library.delete("default", stored.id());
    assertThat(answers.forgotten()).containsExactly(stored.id());
  }

  @Test
  void shouldGoOnAfterARestart() throws Exception {
    VideoRecord uploaded = store.upload(TestClips.shared().h264Mp4());
    VideoRecord encoding = store.upload(TestClips.shared().vp9Webm());
    CompletableFuture<VideoRecord> stopped = ingest.ingest(encoding, OPTIONS);
    answers.next().stages().accept(Stage.ENCODING);
    awaitState(encoding, State.ENCODING);
    restart();
    assertThat(Store.failureOf(stopped)).isInstanceOf(CancellationException.class);
    assertThat(state(encoding)).isEqualTo(State.ENCODING);

    assertThat(ingest.resume(OPTIONS)).isEqualTo(2);
    CompletableFuture<VideoRecord> one = ingest.settled("default", uploaded.id());
    CompletableFuture<VideoRecord> two = ingest.settled("default", encoding.id());
    answers.next().end().complete(null);
    answers.next().end().complete(null);
    assertThat(one.join().state()).isEqualTo(State.READY);
    assertThat(two.join().state()).isEqualTo(State.READY);
    restart();
    assertThat(ingest.resume(OPTIONS)).isZero();
  }

  @Test
  void shouldGiveUpOnAVideoThatNeverComesToAnEnd() throws Exception {
    VideoRecord stored = store.upload(TestClips.shared().h264Mp4());
    for (int i = 0; i < Ingest.MAX_ATTEMPTS; i++) {
      ingest.ingest(stored, OPTIONS);
      answers.next();
      restart();
    }
    VideoRecord failed = ingest.ingest(stored, OPTIONS).join();
    assertThat(failed.failure()).isEqualTo(Failures.INTERRUPTED);
    assertThat(answers.asked()).isZero();
  }

  @Test
  void shouldTakeNothingMoreOnceClosed() {
    VideoRecord stored = store.upload(TestClips.shared().h264Mp4());
    ingest.close();
    assertThat(Store.failureOf(ingest.ingest(stored, OPTIONS)))
        .isInstanceOf(CancellationException.class);
    assertThat(Store.failureOf(ingest.settled("default", stored.id())))
        .isInstanceOf(CancellationException.class);
    assertThat(state(stored)).isEqualTo(State.UPLOADING);
  }
}
