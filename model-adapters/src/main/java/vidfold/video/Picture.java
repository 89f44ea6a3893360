package vidfold.video;

import java.nio.ByteBuffer;
import java.util.Arrays;
import vidfold.video.VideoException.Reason;

/**
 * What the headers of a JPEG or PNG file say. Nothing is decoded here: that is the child's
 * business, which also turns a JPEG as its Exif data says, and a PNG not.
 *
 * @param kind how it is coded
 * @param width of what is shown, pixels
 * @param height of what is shown, pixels
 * @param onItsSide whether it is stored with width and height the other way round
 */
record Picture(Kind kind, int width, int height, boolean onItsSide) {

  /** How a picture is coded. */
  enum Kind {
    JPEG("jpeg"),
    PNG("png ");

    private final String sampleEntry;

    Kind(String sampleEntry) {
      this.sampleEntry = sampleEntry;
    }

    /** The four characters that QuickTime files have for it. */
    String sampleEntry() {
      return sampleEntry;
    }
  }

  /** The most a picture file may have after its end, which some programs pad. */
  private static final int MAX_PADDING = 1024;

  private static final byte[] PNG_START = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int PNG_SIZE_AT = 16;
  private static final byte[] PNG_HEADER = {'I', 'H', 'D', 'R'};
  private static final byte[] PNG_END = {'I', 'E', 'N', 'D'};
  private static final byte[] JPEG_EXIF = {'E', 'x', 'i', 'f', 0, 0};
  private static final byte[] JPEG_END = {(byte) 0xff, (byte) 0xd9};

  /**
   * Reads the headers.
   *
   * @param index which picture of its list this is, for messages
   * @throws VideoException when this is no whole JPEG or PNG file
   */
  static Picture of(byte[] file, int index) {
    Picture picture = isPng(file) ? png(file) : jpeg(file, index);
    if (picture.width() < 1 || picture.height() < 1) {
      throw bad(index, "states no size");
    }
    byte[] end = picture.kind() == Kind.PNG ? PNG_END : JPEG_END;
    if (lastIndexOf(file, end) < file.length - MAX_PADDING) {
      throw bad(index, "is cut off");
    }
    return picture;
  }

  /** A JPEG by the size of what is stored; on its side, a square one is as any other. */
  private static Picture jpeg(int width, int height, boolean onItsSide) {
    return onItsSide && width != height
        ? new Picture(Kind.JPEG, height, width, true)
        : new Picture(Kind.JPEG, width, height, false);
  }

  /** The width of what is stored, pixels. */
  int storedWidth() {
    return onItsSide ? height : width;
  }

  /** The height of what is stored, pixels. */
  int storedHeight() {
    return onItsSide ? width : height;
  }

  static VideoException bad(int index, String what) {
    return new VideoException(
        Reason.BAD_PICTURE,
        "frames[" + index + "] " + what + ". Expected pictures in JPEG or PNG, all of one size.");
  }

  private static boolean isPng(byte[] file) {
    return file.length > PNG_SIZE_AT + 8
        && Arrays.equals(file, 0, PNG_START.length, PNG_START, 0, PNG_START.length)
        && Arrays.equals(file, PNG_SIZE_AT - 4, PNG_SIZE_AT, PNG_HEADER, 0, 4);
  }

  private static Picture png(byte[] file) {
    ByteBuffer header = ByteBuffer.wrap(file, PNG_SIZE_AT, 8);
    return new Picture(Kind.PNG, header.getInt(), header.getInt(), false);
  }

  /** Walks the segments up to the one that starts a frame. */
  private static Picture jpeg(byte[] file, int index) {
    if (file.length < 4 || unsigned(file, 0) != 0xff || unsigned(file, 1) != 0xd8) {
      throw bad(index, "is neither JPEG nor PNG");
    }
    int at = 2;
    boolean onItsSide = false;
    while (at + 9 < file.length && unsigned(file, at) == 0xff) {
      int marker = unsigned(file, at + 1);
      if (marker == 0xff) {
        at++;
      } else if (marker >= 0xc0 && marker <= 0xc2) {
        return jpeg(pair(file, at + 7), pair(file, at + 5), onItsSide);
      } else {
        onItsSide |= marker == 0xe1 && isJpegOnItsSide(file, at + 4, pair(file, at + 2) - 2);
        at += 2 + pair(file, at + 2);
      }
    }
    throw bad(index, "has no JPEG frame that can be read");
  }

  /** What a segment of so many bytes says, if it holds Exif data. */
  private static boolean isJpegOnItsSide(byte[] file, int at, int length) {
    int head = JPEG_EXIF.length;
    return length > head
        && at + length <= file.length
        && Arrays.equals(file, at, at + head, JPEG_EXIF, 0, head)
        && ExifTurn.isOnItsSide(ByteBuffer.wrap(file, at + head, length - head));
  }

  private static int lastIndexOf(byte[] file, byte[] wanted) {
    for (int at = file.length - wanted.length; at >= 0; at--) {
      if (Arrays.equals(file, at, at + wanted.length, wanted, 0, wanted.length)) {
        return at;
      }
    }
    return Integer.MIN_VALUE;
  }

  private static int pair(byte[] file, int at) {
    return unsigned(file, at) << 8 | unsigned(file, at + 1);
  }

  private static int unsigned(byte[] file, int at) {
    return file[at] & 0xff;
  }
}
