package vidfold.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.video.VideoException.Reason;

/** Lists of pictures as video files, read by the real ffmpeg. */
class PictureClipTest {
  private static final List<Color> COLORS = List.of(Color.RED, Color.GREEN, Color.BLUE);
  private static final List<Double> TIMES = List.of(0.5, 1.25, 70.00001);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg"})
  void shouldComeBackWithTheGivenTimes(String format) throws IOException {
    Path file = write(TIMES, pictures(format));

    VideoInfo info = probe(file);

    assertThat(info.isPictures()).isTrue();
    assertThat(info.container()).isEqualTo("pictures");
    assertThat(info.times().seconds()).containsExactly(0.5, 1.25, 70.00001);
    assertThat(info.width()).isEqualTo(64);
    assertThat(info.height()).isEqualTo(40);
    assertThat(info.warnings()).isEmpty();
    List<int[]> middles = middles(file, info);
    assertThat(middles).hasSize(3);
    int tolerance = format.equals("png") ? 0 : 6;
    for (int i = 0; i < 3; i++) {
      Color color = COLORS.get(i);
      int[] expected = {color.getRed(), color.getGreen(), color.getBlue()};
      for (int c = 0; c < 3; c++) {
        assertThat(Math.abs(middles.get(i)[c] - expected[c])).isLessThanOrEqualTo(tolerance);
      }
    }
  }

  @Test
  void shouldBeTheSameBytesForTheSameList() throws IOException {
    byte[] once = Files.readAllBytes(write(TIMES, pictures("png")));
    byte[] again = Files.readAllBytes(write(TIMES, pictures("png")));
    byte[] later = Files.readAllBytes(write(List.of(0., 1., 2.), pictures("png")));
    assertThat(again).isEqualTo(once);
    assertThat(later).isNotEqualTo(once);
  }

  @Test
  void shouldTakeOnePictureAndTimesFromZero() throws IOException {
    VideoInfo info = probe(write(List.of(0.0), pictures("jpg").subList(0, 1)));
    assertThat(info.times().seconds()).containsExactly(0);
    assertThat(info.frameCount()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg"})
  void shouldNameThePictureThatCannotBeDecoded(String format) throws IOException {
    List<byte[]> pictures = pictures(format);
    byte[] broken = pictures.get(1).clone();
    Arrays.fill(broken, broken.length / 2, broken.length - 20, (byte) 0x5a);
    pictures.set(1, broken);
    Path file = write(TIMES, pictures);
    VideoException e = catchThrowableOfType(VideoException.class, () -> probe(file));
    assertThat(e.reason()).isEqualTo(Reason.BAD_PICTURE);
    assertThat(e).hasMessageStartingWith("frames[1] cannot be decoded.");
  }

  @Test
  void shouldRefuseWhatIsNoPictureOrUnlikeTheOthers() throws IOException {
    byte[] png = pictures("png").get(0);
    byte[] jpeg = pictures("jpg").get(0);
    assertBad("frames[0] is neither JPEG nor PNG", new byte[100]);
    assertBad("frames[0] is neither JPEG nor PNG", new byte[0]);
    assertBad("frames[0] is cut off", Arrays.copyOf(cover(2000), 1500));
    assertBad("frames[1] is cut off", png, Arrays.copyOf(png, png.length - 12));
    assertBad("frames[0] is cut off", Arrays.copyOf(jpeg, jpeg.length - 2));
    assertBad("frames[1] is JPEG of 64 x 40 pixels, but frames[0] is PNG", png, jpeg);
    assertBad("frames[1] is PNG of 32 x 40 pixels", png, picture("png", Color.RED, 32));
    assertBad("frames[0] has no JPEG frame", new byte[] {(byte) 0xff, (byte) 0xd8, 1, 2, 3, 4});
  }

  @Test
  void shouldShowPicturesAsTheirExifDataSays() throws IOException {
    byte[] stored = halves();
    byte[] clockwise = withExif(stored, 6, ByteOrder.BIG_ENDIAN);
    byte[] counter = withExif(stored, 8, ByteOrder.LITTLE_ENDIAN);
    Path file = write(List.of(0., 1.), List.of(clockwise, counter));

    VideoInfo info = probe(file);

    assertThat(info.width()).isEqualTo(40);
    assertThat(info.height()).isEqualTo(64);
    List<Color> tops = new ArrayList<>();
    List<Color> bottoms = new ArrayList<>();
    decode(
        file,
        info,
        frame -> {
          tops.add(roughly(frame, (8 * 40 + 20) * 3));
          bottoms.add(roughly(frame, (56 * 40 + 20) * 3));
        });
    assertThat(tops).containsExactly(Color.RED, Color.BLUE);
    assertThat(bottoms).containsExactly(Color.BLUE, Color.RED);
  }

  @Test
  void shouldCompareTheSizesThatAreShown() throws IOException {
    byte[] upright = halves();
    byte[] half = withExif(upright, 3, ByteOrder.BIG_ENDIAN);
    byte[] turned = withExif(upright, 6, ByteOrder.BIG_ENDIAN);
    VideoInfo info = probe(write(List.of(0., 1.), List.of(upright, half)));
    assertThat(info.width()).isEqualTo(64);
    assertBad(
        "frames[1] is JPEG of 40 x 64 pixels, but frames[0] is JPEG of 64 x 40", upright, turned);
  }

  @Test
  void shouldTakeNoTurnFromExifDataThatMakesNoSense() {
    byte[] exif = exif(6, ByteOrder.BIG_ENDIAN);
    assertThat(ExifTurn.isOnItsSide(ByteBuffer.wrap(exif))).isTrue();
    for (int length = 0; length < exif.length - 4; length++) {
      assertThat(ExifTurn.isOnItsSide(ByteBuffer.wrap(exif, 0, length))).isFalse();
    }
    assertThat(ExifTurn.isOnItsSide(ByteBuffer.wrap(exif(9, ByteOrder.BIG_ENDIAN)))).isFalse();
    exif[4] = -1;
    assertThat(ExifTurn.isOnItsSide(ByteBuffer.wrap(exif))).isFalse();
    exif[0] = 0;
    assertThat(ExifTurn.isOnItsSide(ByteBuffer.wrap(exif))).isFalse();
  }

  /** Red on the left, blue on the right; 64 x 40. */
  private static byte[] halves() throws IOException {
    BufferedImage image = new BufferedImage(64, 40, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(Color.RED);
    graphics.fillRect(0, 0, 32, 40);
    graphics.setColor(Color.BLUE);
    graphics.fillRect(32, 0, 32, 40);
    graphics.dispose();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, "jpg", bytes)).isTrue();
    return bytes.toByteArray();
  }

  /** One directory of one entry. */
  private static byte[] exif(int orientation, ByteOrder order) {
    ByteBuffer tiff = ByteBuffer.allocate(26).order(order);
    String mark = order == ByteOrder.BIG_ENDIAN ? "MM" : "II";
    tiff.put(mark.getBytes(StandardCharsets.US_ASCII)).putShort((short) 42).putInt(8);
    tiff.putShort((short) 1).putShort((short) 0x112).putShort((short) 3).putInt(1);
    return tiff.putShort((short) orientation).array();
  }

  /** With a segment behind the start of a JPEG file. */
  private static byte[] withExif(byte[] file, int orientation, ByteOrder order) {
    byte[] exif = exif(orientation, order);
    ByteBuffer out = ByteBuffer.allocate(file.length + exif.length + 10);
    out.put(file, 0, 2).putShort((short) 0xffe1).putShort((short) (exif.length + 8));
    out.put("Exif\0\0".getBytes(StandardCharsets.US_ASCII)).put(exif);
    return out.put(file, 2, file.length - 2).array();
  }

  private static Color roughly(ByteBuffer frame, int at) {
    return new Color(
        (frame.get(at) & 255) > 127 ? 255 : 0,
        (frame.get(at + 1) & 255) > 127 ? 255 : 0,
        (frame.get(at + 2) & 255) > 127 ? 255 : 0);
  }

  @Test
  void shouldRefuseTimesThatDoNotFit() throws IOException {
    assertTimes(List.of(0.0, 1.0), "2 times were given for 3 frames");
    assertTimes(List.of(0.0, 2.0, 2.0), "times[2] is 2.0, not after times[1], which is 2.0");
    assertTimes(List.of(0.0, 2.0, 1.0), "times[2] is 1.0, not after");
    assertTimes(List.of(-1.0, 2.0, 3.0), "times[0] is -1.0");
    assertTimes(List.of(0.0, Double.NaN, 3.0), "times[1] is NaN");
    assertTimes(List.of(0.0, 1.0, 100_000.0), "times[2] is hours after");
  }

  @Test
  void shouldUseAllPicturesUpToTheCap() {
    FrameTimes times = new FrameTimes(new long[] {50_000, 125_000, 700_000}, 1, 100_000);
    assertThat(FrameSampler.all(times, new FrameRule(2, 64, 1, false)).indices())
        .containsExactly(0, 1, 2);
    assertThat(FrameSampler.all(times, new FrameRule(2, 64, 1, true)).indices())
        .containsExactly(0, 1, 2, 2);
    assertThat(FrameSampler.all(times, new FrameRule(2, 2, 1, true)).indices())
        .containsExactly(0, 2);
  }

  @Test
  void shouldRefuseTooManyPictures() throws IOException {
    byte[] picture = pictures("png").get(0);
    PictureClip clip = new PictureClip();
    for (int i = 0; i < PictureClip.MAX_PICTURES; i++) {
      clip.add(picture);
    }
    VideoException e = catchThrowableOfType(VideoException.class, () -> clip.add(picture));
    assertThat(e.reason()).isEqualTo(Reason.TOO_MANY_FRAMES);
  }

  private static void assertBad(String message, byte[]... pictures) {
    PictureClip clip = new PictureClip();
    VideoException e =
        catchThrowableOfType(
            VideoException.class, () -> Arrays.stream(pictures).forEach(clip::add));
    assertThat(e.reason()).isEqualTo(Reason.BAD_PICTURE);
    assertThat(e).hasMessageStartingWith(message);
  }

  private static void assertTimes(List<Double> times, String message) throws IOException {
    PictureClip clip = new PictureClip();
    pictures("png").forEach(clip::add);
    assertThatThrownBy(() -> clip.end(times))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  /** A PNG file larger than the padding that is looked through. */
  private static byte[] cover(int least) throws IOException {
    byte[] png = pictures("png").get(0);
    byte[] padded = Arrays.copyOf(png, 8 + least);
    System.arraycopy(png, png.length - 12, padded, padded.length - 12, 12);
    return padded;
  }

  private static List<byte[]> pictures(String format) throws IOException {
    List<byte[]> pictures = new ArrayList<>();
    for (Color color : COLORS) {
      pictures.add(picture(format, color, 64));
    }
    return pictures;
  }

  /** A plain colour with noise around it, so that there is something to break. */
  private static byte[] picture(String format, Color color, int width) throws IOException {
    BufferedImage image = new BufferedImage(width, 40, BufferedImage.TYPE_INT_RGB);
    SplittableRandom random = new SplittableRandom(7);
    for (int x = 0; x < width; x++) {
      for (int y = 0; y < 40; y++) {
        image.setRGB(x, y, random.nextInt() & 0xffffff);
      }
    }
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(color);
    graphics.fillRect(width / 4, 8, width / 2, 24);
    graphics.dispose();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  private Path write(List<Double> times, List<byte[]> pictures) throws IOException {
    Path file = folder.resolve("pictures.mov");
    PictureClip clip = new PictureClip();
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      channel.write(clip.start());
      for (byte[] picture : pictures) {
        channel.write(clip.add(picture));
      }
      channel.write(clip.end(times));
    }
    return file;
  }

  private static VideoInfo probe(Path file) {
    return new VideoProbe(TestClips.shared().program(), VideoLimits.defaults())
        .probe(file, new Cancellation());
  }

  /** The pixel in the middle of every frame. */
  private static List<int[]> middles(Path file, VideoInfo info) {
    List<int[]> middles = new ArrayList<>();
    decode(file, info, frame -> middles.add(middle(frame)));
    return middles;
  }

  private static void decode(Path file, VideoInfo info, Consumer<ByteBuffer> frames) {
    SampledFrames all = FrameSampler.all(info.times(), new FrameRule(1, 64, 1, false));
    DecodedVideo decoded =
        new VideoDecoder(TestClips.shared().program(), VideoLimits.defaults())
            .decode(
                new DecodeRequest(file, info, all, FrameSize.of(info)),
                (position, seconds, frame) -> frames.accept(frame),
                new Cancellation());
    assertThat(decoded.seconds()).isEqualTo(Arrays.stream(info.times().seconds()).boxed().toList());
    assertThat(decoded.warnings()).isEmpty();
  }

  private static int[] middle(ByteBuffer frame) {
    int at = (20 * 64 + 32) * 3;
    return new int[] {frame.get(at) & 255, frame.get(at + 1) & 255, frame.get(at + 2) & 255};
  }
}
