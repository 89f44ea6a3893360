package vidfold.video;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import vidfold.video.VideoException.Reason;

/**
 * Makes a video file of pictures with given times, so that everything that holds for videos holds
 * for them: one file, one digest, one way to the frames.
 *
 * <p>A QuickTime file (ISO 14496-12) with a sample for each picture, byte for byte as it came, and
 * the table of contents at the end. The same pictures and times always make the same bytes. Where
 * Exif data has pictures shown on their side, the track says so too, for what reads no pictures.
 * What is returned is written by the caller, in order: {@link #start}, what {@link #add} returns,
 * {@link #end}. Used by one thread.
 */
public final class PictureClip {

  /** The most pictures of one list. */
  public static final int MAX_PICTURES = 1024;

  /** The most bytes of one picture. */
  public static final int MAX_PICTURE_BYTES = 32 << 20;

  /** The brand by which such a file is told from a recorded video. */
  static final String BRAND = "vfpl";

  /** What is told as the container of such a file. */
  static final String CONTAINER = "pictures";

  private static final int TICKS_PER_SECOND = 100_000;
  private static final int BOX_HEADER = 8;
  private static final int MAX_SIDE = 0xffff;
  private static final int[] UNIT_MATRIX = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};

  private final List<Integer> sizes = new ArrayList<>();
  private final List<Long> offsets = new ArrayList<>();
  private Picture shape = new Picture(Picture.Kind.JPEG, 0, 0, false);
  private long written;

  /** The bytes before the first picture. */
  public ByteBuffer start() {
    return counted(box("ftyp", out -> out.writeBytes(BRAND + "\0\0\0\0" + BRAND)));
  }

  /** How many pictures there are. */
  public int count() {
    return sizes.size();
  }

  /**
   * Takes the next picture.
   *
   * @throws VideoException when it is no JPEG or PNG file, is unlike the others or is one too many
   */
  public ByteBuffer add(byte[] picture) {
    int index = sizes.size();
    if (index == MAX_PICTURES) {
      throw new VideoException(
          Reason.TOO_MANY_FRAMES, "There are more than the allowed " + MAX_PICTURES + " frames.");
    }
    Picture found = Picture.of(picture, index);
    if (index == 0) {
      shape = found;
    } else if (!found.equals(shape)) {
      throw Picture.bad(index, "is " + text(found) + ", but frames[0] is " + text(shape));
    }
    if (found.width() > MAX_SIDE || found.height() > MAX_SIDE) {
      throw Picture.bad(index, "is " + text(found));
    }
    offsets.add(written + BOX_HEADER);
    sizes.add(picture.length);
    return counted(box("mdat", out -> out.write(picture)));
  }

  /**
   * The bytes after the last picture.
   *
   * @param times when each picture is shown, seconds, ascending
   * @throws IllegalArgumentException when they do not ascend or are not one for each picture
   */
  public ByteBuffer end(List<Double> times) {
    return counted(box("moov", out -> movie(out, ticks(times))));
  }

  private static String text(Picture picture) {
    return "%s of %d x %d pixels".formatted(picture.kind(), picture.width(), picture.height());
  }

  private long[] ticks(List<Double> times) {
    if (times.size() != sizes.size() || times.isEmpty()) {
      throw new IllegalArgumentException(
          "%d times were given for %d frames".formatted(times.size(), sizes.size()));
    }
    long[] ticks = new long[times.size()];
    for (int i = 0; i < ticks.length; i++) {
      double seconds = times.get(i);
      if (!(seconds >= 0 && seconds < Integer.MAX_VALUE)) {
        throw new IllegalArgumentException("times[" + i + "] is " + seconds);
      }
      ticks[i] = Math.round(seconds * TICKS_PER_SECOND);
      if (i > 0 && ticks[i] <= ticks[i - 1]) {
        throw new IllegalArgumentException(
            "times[%d] is %s, not after times[%d], which is %s"
                .formatted(i, seconds, i - 1, times.get(i - 1)));
      }
      if (i > 0 && ticks[i] - ticks[i - 1] > Integer.MAX_VALUE) {
        throw new IllegalArgumentException("times[" + i + "] is hours after the one before it");
      }
    }
    return ticks;
  }

  /** Fills the body of a box. */
  private interface Body {
    void write(DataOutputStream out) throws IOException;
  }

  private static byte[] box(String type, Body body) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeInt(0);
      out.writeBytes(type);
      body.write(out);
      byte[] box = bytes.toByteArray();
      ByteBuffer.wrap(box).putInt(box.length);
      return box;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ByteBuffer counted(byte[] bytes) {
    written += bytes.length;
    return ByteBuffer.wrap(bytes);
  }

  private void movie(DataOutputStream out, long[] ticks) throws IOException {
    int last = ticks.length - 1;
    long lastTicks = last > 0 ? ticks[last] - ticks[last - 1] : TICKS_PER_SECOND;
    long duration = ticks[last] - ticks[0] + lastTicks;
    out.write(
        box(
            "mvhd",
            head -> {
              times(head, 0, ticks[0] + duration);
              head.writeInt(0x10000);
              head.writeShort(0x100);
              head.write(new byte[10]);
              matrix(head, UNIT_MATRIX);
              head.write(new byte[24]);
              head.writeInt(2);
            }));
    out.write(
        box(
            "trak",
            track -> {
              track.write(box("tkhd", head -> trackHeader(head, ticks[0] + duration)));
              track.write(
                  box("edts", e -> e.write(box("elst", l -> edits(l, ticks[0], duration)))));
              track.write(box("mdia", media -> media(media, ticks, duration, lastTicks)));
            }));
  }

  /** Version, creation and change (never), time scale, duration. */
  private static void times(DataOutputStream out, int flags, long duration) throws IOException {
    out.writeInt(1 << 24 | flags);
    out.writeLong(0);
    out.writeLong(0);
    out.writeInt(TICKS_PER_SECOND);
    out.writeLong(duration);
  }

  private static void matrix(DataOutputStream out, int[] matrix) throws IOException {
    for (int value : matrix) {
      out.writeInt(value);
    }
  }

  private void trackHeader(DataOutputStream out, long duration) throws IOException {
    out.writeInt(1 << 24 | 7);
    out.writeLong(0);
    out.writeLong(0);
    out.writeInt(1);
    out.writeInt(0);
    out.writeLong(duration);
    out.write(new byte[16]);
    int[] turn = {0, 0x10000, 0, -0x10000, 0, 0, shape.storedHeight() << 16, 0, 0x40000000};
    matrix(out, shape.onItsSide() ? turn : UNIT_MATRIX);
    out.writeInt(shape.storedWidth() << 16);
    out.writeInt(shape.storedHeight() << 16);
  }

  /** Nothing until the time of the first picture, then all. */
  private static void edits(DataOutputStream out, long first, long duration) throws IOException {
    out.writeInt(1 << 24);
    out.writeInt(first > 0 ? 2 : 1);
    if (first > 0) {
      out.writeLong(first);
      out.writeLong(-1);
      out.writeInt(0x10000);
    }
    out.writeLong(duration);
    out.writeLong(0);
    out.writeInt(0x10000);
  }

  private void media(DataOutputStream out, long[] ticks, long duration, long last)
      throws IOException {
    out.write(
        box(
            "mdhd",
            head -> {
              times(head, 0, duration);
              head.writeInt(0x55c40000);
            }));
    out.write(
        box(
            "hdlr",
            handler -> {
              handler.writeLong(0);
              handler.writeBytes("vide");
              handler.write(new byte[13]);
            }));
    out.write(
        box(
            "minf",
            info -> {
              info.write(
                  box("vmhd", v -> v.write(new byte[] {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0})));
              info.write(box("dinf", PictureClip::selfReference));
              info.write(box("stbl", table -> samples(table, ticks, last)));
            }));
  }

  private static void selfReference(DataOutputStream out) throws IOException {
    out.write(
        box(
            "dref",
            list -> {
              list.writeInt(0);
              list.writeInt(1);
              list.write(box("url ", url -> url.writeInt(1)));
            }));
  }

  private void samples(DataOutputStream out, long[] ticks, long last) throws IOException {
    out.write(
        table(
            "stsd",
            1,
            entries -> entries.write(box(shape.kind().sampleEntry(), this::sampleEntry))));
    out.write(
        table(
            "stts",
            ticks.length,
            entries -> {
              for (int i = 0; i < ticks.length; i++) {
                entries.writeInt(1);
                entries.writeInt((int) (i + 1 < ticks.length ? ticks[i + 1] - ticks[i] : last));
              }
            }));
    out.write(
        table(
            "stsc",
            1,
            entries -> {
              entries.writeInt(1);
              entries.writeInt(1);
              entries.writeInt(1);
            }));
    out.write(
        box(
            "stsz",
            list -> {
              list.writeLong(0);
              list.writeInt(sizes.size());
              for (int size : sizes) {
                list.writeInt(size);
              }
            }));
    out.write(
        table(
            "co64",
            offsets.size(),
            entries -> {
              for (long offset : offsets) {
                entries.writeLong(offset);
              }
            }));
  }

  /** A box of counted entries. */
  private static byte[] table(String type, int count, Body entries) {
    return box(
        type,
        out -> {
          out.writeInt(0);
          out.writeInt(count);
          entries.write(out);
        });
  }

  /** 72 dots an inch, one picture a sample, 24 bits. */
  private void sampleEntry(DataOutputStream out) throws IOException {
    out.write(new byte[6]);
    out.writeShort(1);
    out.write(new byte[16]);
    out.writeShort(shape.storedWidth());
    out.writeShort(shape.storedHeight());
    out.writeInt(72 << 16);
    out.writeInt(72 << 16);
    out.writeInt(0);
    out.writeShort(1);
    out.write(new byte[32]);
    out.writeShort(24);
    out.writeShort(-1);
  }
}
