package vidfold.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.video.VideoException.Reason;

class VideoDecoderTest {
  private final TestClips clips = TestClips.shared();
  private final VideoLimits limits = VideoLimits.defaults();
  private final VideoDecoder decoder = new VideoDecoder(clips.program(), limits);

  @AfterEach
  void noChildIsLeft() {
    assertThat(ProcessHandle.current().descendants()).isEmpty();
  }

  @Test
  void shouldDeliverExactlyTheChosenFrames() {
    assertFramesAreTheirIndices(clips.h264Mp4(), 2);
    assertFramesAreTheirIndices(clips.withAudio(), 3);
    assertFramesAreTheirIndices(clips.vp9Webm(), 4);
    assertFramesAreTheirIndices(clips.vp8Webm(), 5);
    assertFramesAreTheirIndices(clips.withBFrames(), 30);
    assertFramesAreTheirIndices(clips.withoutPresentationTimes(), 30);
    assertFramesAreTheirIndices(clips.transportStream(), 5);
    assertFramesAreTheirIndices(clips.sixtyFps(), 2);
    assertFramesAreTheirIndices(clips.variableRate(), 3);
    assertFramesAreTheirIndices(clips.oneFrame(), 1);
    assertFramesAreTheirIndices(clips.copyAs(clips.h264Mp4(), "-i 'q\" a:b.mp4"), 2);
  }

  @Test
  void shouldDeliverEveryFrameWhenAllAreChosen() {
    assertFramesAreTheirIndices(clips.sixtyFps(), 60);
  }

  @Test
  void shouldRepeatAFrameThatIsChosenTwice() {
    VideoInfo info = probe(clips.h264Mp4());
    Shown shown =
        decode(clips.h264Mp4(), info, new SampledFrames(new int[] {5, 70, 70}, info.times()));

    assertThat(shown.numbers).containsExactly(5, 70, 70);
    assertThat(shown.positions).containsExactly(0, 1, 2);
    assertThat(shown.video.warnings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"90", "180", "270"})
  void shouldTurnFramesUpright(int clockwise) {
    Path clip = clips.rotated(clockwise);
    VideoInfo info = probe(clip);
    FrameSize size = FrameSize.of(info);
    SampledFrames frames = new SampledFrames(new int[] {1}, info.times());
    List<byte[]> pictures = new ArrayList<>();
    decoder.decode(
        new DecodeRequest(clip, info, frames, size),
        (i, t, rgb) -> pictures.add(copy(rgb)),
        new Cancellation());

    // Frame 1 is white in its first bar only: stored left, so shown at the top, right or bottom.
    byte[] rgb = pictures.get(0);
    int quarterX = size.width() / 2;
    int quarterY = size.height() / 2;
    int[] lit =
        switch (clockwise) {
          case 90 -> new int[] {quarterX, 7};
          case 180 -> new int[] {size.width() - 8, quarterY};
          default -> new int[] {quarterX, size.height() - 8};
        };
    int[] dark = {size.width() - 1 - lit[0], size.height() - 1 - lit[1]};
    assertThat(green(rgb, size, lit[0], lit[1])).isGreaterThan(200);
    if (clockwise == 180) {
      assertThat(green(rgb, size, dark[0], lit[1])).isLessThan(60);
    } else {
      assertThat(green(rgb, size, lit[0], dark[1])).isLessThan(60);
    }
  }

  @Test
  void shouldScaleToTheAskedSize() {
    VideoInfo info = probe(clips.h264Mp4());
    SampledFrames frames = new SampledFrames(new int[] {33, 89}, info.times());
    List<Integer> numbers = new ArrayList<>();
    decoder.decode(
        new DecodeRequest(clips.h264Mp4(), info, frames, new FrameSize(61, 37)),
        (i, t, rgb) -> {
          assertThat(rgb.remaining()).isEqualTo(61 * 37 * 3);
          numbers.add(TestClips.frameNumber(rgb, 61, 37));
        },
        new Cancellation());

    assertThat(numbers).containsExactly(33, 89);
  }

  @ParameterizedTest
  @ValueSource(strings = {"bt709", "bt601"})
  void shouldHonourTheColourMatrixOfTheStream(String matrix) {
    Path clip = clips.colours(matrix);
    VideoInfo info = probe(clip);
    List<byte[]> pictures = new ArrayList<>();
    decoder.decode(
        new DecodeRequest(
            clip, info, new SampledFrames(new int[] {5, 15, 25}, info.times()), FrameSize.of(info)),
        (i, t, rgb) -> pictures.add(copy(rgb)),
        new Cancellation());

    for (int colour = 0; colour < 3; colour++) {
      byte[] rgb = pictures.get(colour);
      int pixel = 3 * (32 * 64 + 32);
      for (int channel = 0; channel < 3; channel++) {
        assertThat(rgb[pixel + channel] & 0xff)
            .as("%s frame %d channel %d", matrix, colour, channel)
            .isCloseTo(channel == colour ? 255 : 0, within(6));
      }
    }
  }

  @Test
  void shouldUseTheNextFrameForABrokenOneInTheMiddle() {
    Path clip = clips.broken("broken-middle.mp4", 20, 21);
    VideoInfo info = probe(clip);
    Shown shown =
        decode(clip, info, new SampledFrames(new int[] {0, 10, 20, 30, 59}, info.times()));

    assertThat(shown.numbers).containsExactly(0, 10, 22, 30, 59);
    assertThat(shown.video.seconds().get(2)).isCloseTo(22 / 30.0, within(1e-9));
    assertThat(shown.video.warnings())
        .singleElement()
        .asString()
        .startsWith("1 frame could not be decoded");
  }

  @Test
  void shouldUseTheLastGoodFrameWhenTheEndIsBroken() {
    Path clip = clips.broken("broken-end.mp4", 57, 58, 59);
    VideoInfo info = probe(clip);
    Shown shown = decode(clip, info, new SampledFrames(new int[] {0, 58, 59}, info.times()));

    assertThat(shown.numbers).containsExactly(0, 56, 56);
    assertThat(shown.video.seconds().get(2)).isCloseTo(56 / 30.0, within(1e-9));
    assertThat(shown.video.warnings())
        .singleElement()
        .asString()
        .startsWith("2 frames could not be decoded");
  }

  @Test
  void shouldFailWhenNoFrameCanBeDecoded() {
    Path clip = clips.broken("broken-all.mp4", IntStream.range(0, 60).toArray());
    VideoInfo info = probe(clip);
    SampledFrames frames = new SampledFrames(new int[] {0, 59}, info.times());

    VideoException e = catchThrowableOfType(VideoException.class, () -> decode(clip, info, frames));

    assertThat(e.reason()).isEqualTo(Reason.DECODE_FAILED);
    assertThat(e.getMessage()).doesNotContain(clip.toString(), "0x", "@");
  }

  @Test
  void shouldPlayWhatIsThereOfATruncatedFile() {
    Path clip = clips.truncatedMkv();
    VideoInfo info = probe(clip);
    Shown shown =
        decode(clip, info, FrameSampler.sample(info.times(), new FrameRule(2, 32, 1, false)));

    assertThat(shown.numbers).hasSizeGreaterThan(1).startsWith(0, 15).isSorted();
  }

  @Test
  void shouldCountEachStartOfTheDecoder() {
    VideoInfo info = probe(clips.h264Mp4());
    assertThat(decoder.decodesStarted()).isZero();

    decode(clips.h264Mp4(), info, new SampledFrames(new int[] {0}, info.times()));

    assertThat(decoder.decodesStarted()).isEqualTo(1);
  }

  @Test
  void shouldRefuseMoreFramesThanAllowed() {
    VideoInfo info = probe(clips.sixtyFps());
    VideoDecoder strict = new VideoDecoder(clips.program(), limited(Duration.ofSeconds(60), 3));
    SampledFrames frames = new SampledFrames(new int[] {0, 1, 2, 3}, info.times());
    DecodeRequest request = new DecodeRequest(clips.sixtyFps(), info, frames, FrameSize.of(info));

    VideoException e =
        catchThrowableOfType(
            VideoException.class,
            () -> strict.decode(request, (i, t, rgb) -> {}, new Cancellation()));

    assertThat(e.reason()).isEqualTo(Reason.TOO_MANY_FRAMES);
    assertThat(strict.decodesStarted()).isZero();
  }

  @Test
  void shouldKillTheChildAtTheWallClock() {
    VideoDecoder hurried = new VideoDecoder(clips.program(), limited(Duration.ofMillis(50), 100));

    VideoException e =
        catchThrowableOfType(
            VideoException.class,
            () -> hurried.decode(lastFrameOfLarge(), (i, t, rgb) -> {}, new Cancellation()));

    assertThat(e.reason()).isEqualTo(Reason.TIMED_OUT);
    assertThat(e).hasMessageContaining("0.05 s");
  }

  @Test
  void shouldKillTheChildWhenCancelledFromAnotherThread() throws Exception {
    Cancellation cancellation = new Cancellation();
    VideoInfo info = probe(clips.large());
    SampledFrames first = new SampledFrames(new int[] {0, 1, info.frameCount() - 1}, info.times());
    DecodeRequest request = new DecodeRequest(clips.large(), info, first, FrameSize.of(info));
    List<Integer> seen = new ArrayList<>();

    VideoException e =
        catchThrowableOfType(
            VideoException.class,
            () ->
                decoder.decode(
                    request,
                    (i, t, rgb) -> {
                      seen.add(i);
                      Thread client = new Thread(cancellation::cancel);
                      client.start();
                      join(client);
                    },
                    cancellation));

    assertThat(e.reason()).isEqualTo(Reason.CANCELLED);
    assertThat(seen).doesNotContain(2);
  }

  @Test
  void shouldLeaveNoChildWhenTheSinkFails() {
    IllegalStateException e =
        catchThrowableOfType(
            IllegalStateException.class,
            () ->
                decoder.decode(
                    lastFrameOfLarge(),
                    (i, t, rgb) -> {
                      throw new IllegalStateException("full");
                    },
                    new Cancellation()));

    assertThat(e).hasMessage("full");
  }

  @Test
  void shouldFailForThisVideoWhenTheChildRunsOutOfMemory() {
    VideoLimits tight =
        new VideoLimits(
            1L << 30,
            Duration.ofHours(1),
            1 << 24,
            1 << 20,
            100,
            Duration.ofSeconds(60),
            100L << 20);
    VideoDecoder starved = new VideoDecoder(clips.program(), tight);

    VideoException e =
        catchThrowableOfType(
            VideoException.class,
            () -> starved.decode(lastFrameOfLarge(), (i, t, rgb) -> {}, new Cancellation()));

    assertThat(e.reason()).isEqualTo(Reason.DECODE_FAILED);
  }

  @Test
  void shouldDecodeSeveralVideosAtOnce() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      VideoInfo info = probe(clips.h264Mp4());
      Callable<List<Integer>> task =
          () ->
              decode(clips.h264Mp4(), info, new SampledFrames(new int[] {3, 44, 89}, info.times()))
                  .numbers;
      for (Future<List<Integer>> result :
          pool.invokeAll(List.of(task, task, task, task, task, task))) {
        assertThat(result.get()).containsExactly(3, 44, 89);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  /** What a decode showed: the numbers read back from the pictures. */
  private record Shown(List<Integer> positions, List<Integer> numbers, DecodedVideo video) {}

  private void assertFramesAreTheirIndices(Path clip, double rate) {
    VideoInfo info = probe(clip);
    SampledFrames frames = FrameSampler.sample(info.times(), new FrameRule(rate, 768, 1, false));
    Shown shown = decode(clip, info, frames);

    assertThat(shown.numbers)
        .as(clip.getFileName().toString())
        .containsExactlyElementsOf(boxed(frames));
    assertThat(shown.video.warnings()).isEmpty();
    for (int i = 0; i < frames.count(); i++) {
      assertThat(shown.video.seconds().get(i)).isEqualTo(frames.seconds(i));
    }
  }

  private static List<Integer> boxed(SampledFrames frames) {
    return IntStream.of(frames.indices()).boxed().toList();
  }

  private Shown decode(Path clip, VideoInfo info, SampledFrames frames) {
    List<Integer> positions = new ArrayList<>();
    List<Integer> numbers = new ArrayList<>();
    DecodedVideo video =
        decoder.decode(
            new DecodeRequest(clip, info, frames, FrameSize.of(info)),
            (position, seconds, rgb) -> {
              positions.add(position);
              numbers.add(TestClips.frameNumber(rgb, info.width(), info.height()));
            },
            new Cancellation());
    return new Shown(positions, numbers, video);
  }

  private DecodeRequest lastFrameOfLarge() {
    VideoInfo info = probe(clips.large());
    SampledFrames last = new SampledFrames(new int[] {info.frameCount() - 1}, info.times());
    return new DecodeRequest(clips.large(), info, last, FrameSize.of(info));
  }

  private VideoInfo probe(Path clip) {
    return new VideoProbe(clips.program(), limits).probe(clip, new Cancellation());
  }

  private static VideoLimits limited(Duration wallClock, int sampled) {
    return new VideoLimits(
        1L << 30, Duration.ofHours(1), 1 << 24, 1 << 20, sampled, wallClock, 3L << 30);
  }

  private static byte[] copy(ByteBuffer rgb) {
    byte[] bytes = new byte[rgb.remaining()];
    rgb.get(bytes);
    return bytes;
  }

  private static int green(byte[] rgb, FrameSize size, int x, int y) {
    return rgb[3 * (y * size.width() + x) + 1] & 0xff;
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
