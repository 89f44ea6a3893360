package vidfold.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.video.VideoException.Reason;

class VideoProbeTest {
  private final TestClips clips = TestClips.shared();
  private final VideoLimits defaults = VideoLimits.defaults();

  @AfterEach
  void noChildIsLeft() {
    assertThat(ProcessHandle.current().descendants()).isEmpty();
  }

  @Test
  void shouldDescribeAnOrdinaryVideo() {
    VideoInfo info = probe(clips.withAudio());

    assertThat(info.codec()).isEqualTo("h264");
    assertThat(info.container()).contains("mp4");
    assertThat(info.width()).isEqualTo(TestClips.WIDTH);
    assertThat(info.height()).isEqualTo(TestClips.HEIGHT);
    assertThat(info.rotation()).isZero();
    assertThat(info.frameCount()).isEqualTo(90);
    assertThat(info.durationSeconds()).isCloseTo(3, within(1e-9));
    assertThat(info.averageFps()).isCloseTo(30, within(1e-9));
    assertThat(info.audioTracks()).isEqualTo(1);
    assertThat(info.warnings()).isEmpty();
  }

  @Test
  void shouldListTimesInDisplayOrderWhenPacketsAreNot() {
    assertTimes(probe(clips.withBFrames()), 60, 1.0 / 30);
  }

  @Test
  void shouldLearnTimesByDecodingWhenTheContainerHasNone() {
    assertTimes(probe(clips.withoutPresentationTimes()), 60, 1.0 / 30);
  }

  @Test
  void shouldCountOnlyShownFramesOfVp8() {
    assertTimes(probe(clips.vp8Webm()), 50, 1.0 / 25);
  }

  @Test
  void shouldKeepTheStartTimeOfATransportStream() {
    VideoInfo info = probe(clips.transportStream());

    assertThat(info.times().seconds(0)).isGreaterThan(1);
    assertThat(info.times().secondsFromStart(49)).isCloseTo(49 / 25.0, within(1e-4));
  }

  @Test
  void shouldReadTheTimesOfAVariableRate() {
    VideoInfo info = probe(clips.variableRate());

    assertThat(info.frameCount()).isEqualTo(20);
    for (int n = 0; n < 20; n++) {
      assertThat(info.times().seconds(n)).isEqualTo(n * n / 100.0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {90, 180, 270})
  void shouldReportTheSizeAsShown(int clockwise) {
    VideoInfo info = probe(clips.rotated(clockwise));

    assertThat(info.rotation()).isEqualTo(clockwise);
    assertThat(info.width()).isEqualTo(clockwise == 180 ? TestClips.WIDTH : TestClips.HEIGHT);
    assertThat(info.height()).isEqualTo(clockwise == 180 ? TestClips.HEIGHT : TestClips.WIDTH);
  }

  @Test
  void shouldHandleASingleFrame() {
    VideoInfo info = probe(clips.oneFrame());

    assertThat(info.frameCount()).isEqualTo(1);
    assertThat(info.durationSeconds()).isGreaterThan(0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "with space.mp4",
        "it's \"quoted\".mp4",
        "-y.mp4",
        "http:evil.mp4",
        "a|b;c$d`e.mp4",
        "100%03d.mp4",
        "\u00fc\u4e2d.mp4"
      })
  void shouldTakeAnyFileName(String name) {
    assertThat(probe(clips.copyAs(clips.h264Mp4(), name)).frameCount()).isEqualTo(90);
  }

  @Test
  void shouldReadThePlayablePartOfATruncatedFile() {
    VideoInfo info = probe(clips.truncatedMkv());

    assertThat(info.frameCount()).isBetween(20, 70);
    assertThat(info.warnings()).singleElement().asString().contains("cut off", "3.00 seconds");
  }

  @Test
  void shouldNameWhatIsWrongWithFilesThatAreNoVideos() {
    assertFails(clips.empty(), Reason.NOT_A_VIDEO, "empty");
    assertFails(clips.text(), Reason.NOT_A_VIDEO, "not a video");
    assertFails(clips.audioOnly(), Reason.NO_VIDEO_STREAM, "one audio track");
    assertFails(clips.audioWithCover(), Reason.NO_VIDEO_STREAM, "one audio track");
    assertFails(clips.truncatedMp4(), Reason.TRUNCATED, "cut off");
    assertFails(clips.unsupportedCodec(), Reason.UNSUPPORTED_CODEC, "ffv1");
    assertFails(clips.unsupportedContainer(), Reason.UNSUPPORTED_CONTAINER, "NUT");
    assertFails(Path.of("no-such-file.mp4"), Reason.NOT_A_VIDEO, "no such file");
  }

  @ParameterizedTest
  @CsvSource({
    "TOO_MANY_BYTES, 100, 10, 1000000, 1000",
    "TOO_LONG, 10000000, 2, 1000000, 1000",
    "TOO_MANY_PIXELS, 10000000, 10, 15359, 1000",
    "TOO_MANY_FRAMES, 10000000, 10, 1000000, 89"
  })
  void shouldEnforceEachLimit(Reason reason, long bytes, int seconds, long pixels, int frames) {
    VideoLimits limits =
        new VideoLimits(
            bytes,
            Duration.ofSeconds(seconds),
            pixels,
            frames,
            100,
            Duration.ofSeconds(60),
            3L << 30);

    VideoException e = failure(clips.h264Mp4(), limits, new Cancellation());

    assertThat(e.reason()).isEqualTo(reason);
    assertThat(e).hasMessageContaining("allowed");
  }

  @Test
  void shouldAcceptAVideoExactlyAtItsLimits() throws Exception {
    Path clip = clips.h264Mp4();
    VideoLimits limits =
        new VideoLimits(
            java.nio.file.Files.size(clip),
            Duration.ofSeconds(3),
            15360,
            90,
            90,
            Duration.ofSeconds(60),
            3L << 30);

    assertThat(new VideoProbe(clips.program(), limits).probe(clip, new Cancellation()).frameCount())
        .isEqualTo(90);
  }

  @Test
  void shouldStopAtTheWallClock() {
    VideoLimits limits =
        new VideoLimits(
            1L << 30, Duration.ofHours(1), 1 << 20, 1 << 20, 100, Duration.ofMillis(1), 3L << 30);

    assertThat(failure(clips.large(), limits, new Cancellation()).reason())
        .isEqualTo(Reason.TIMED_OUT);
  }

  @Test
  void shouldNotStartWhenCancelled() {
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();

    assertThat(failure(clips.h264Mp4(), defaults, cancellation).reason())
        .isEqualTo(Reason.CANCELLED);
  }

  @Test
  void shouldFailForThisVideoWhenTheChildRunsOutOfMemory() {
    VideoLimits limits =
        new VideoLimits(
            1L << 30,
            Duration.ofHours(1),
            1 << 20,
            1 << 20,
            100,
            Duration.ofSeconds(60),
            16L << 20);

    assertThat(clips.program().limitsMemory()).isTrue();
    assertThat(failure(clips.h264Mp4(), limits, new Cancellation()).reason())
        .isEqualTo(Reason.DECODE_FAILED);
  }

  private void assertFails(Path file, Reason reason, String part) {
    VideoException e = failure(file, defaults, new Cancellation());
    assertThat(e.reason()).as("%s: %s", file.getFileName(), e.getMessage()).isEqualTo(reason);
    assertThat(e).hasMessageContaining(part);
    assertThat(e.getMessage()).doesNotContain(file.toString(), "0x", "@");
  }

  private VideoException failure(Path file, VideoLimits limits, Cancellation cancellation) {
    VideoProbe probe = new VideoProbe(clips.program(), limits);
    return catchThrowableOfType(VideoException.class, () -> probe.probe(file, cancellation));
  }

  private VideoInfo probe(Path file) {
    return new VideoProbe(clips.program(), defaults).probe(file, new Cancellation());
  }

  private static void assertTimes(VideoInfo info, int count, double interval) {
    assertThat(info.frameCount()).isEqualTo(count);
    for (int i = 0; i < count; i++) {
      assertThat(info.times().secondsFromStart(i)).isCloseTo(i * interval, within(6e-4));
    }
  }
}
