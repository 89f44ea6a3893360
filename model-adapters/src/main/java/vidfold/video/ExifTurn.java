package vidfold.video;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How the Exif data of a picture has it turned before it is shown (Exif 3.0, section 4.6.5). ffmpeg
 * turns the pixels; what is needed here is which side is the width.
 */
final class ExifTurn {
  private static final int BIG_ENDIAN = 0x4d4d;
  private static final int LITTLE_ENDIAN = 0x4949;
  private static final int HEADER = 8;
  private static final int ENTRY = 12;
  private static final int ORIENTATION = 0x0112;
  private static final int SHORT = 3;

  private ExifTurn() {}

  /**
   * Whether width and height change places.
   *
   * @param data Exif data from its byte order on; data that makes no sense turns nothing
   */
  static boolean isOnItsSide(ByteBuffer data) {
    ByteBuffer tiff = data.slice();
    int order = tiff.limit() < HEADER ? 0 : pair(tiff, 0);
    if (order != BIG_ENDIAN && order != LITTLE_ENDIAN) {
      return false;
    }
    tiff.order(order == BIG_ENDIAN ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    long directory = Integer.toUnsignedLong(tiff.getInt(4));
    if (directory + 2 > tiff.limit()) {
      return false;
    }
    int first = (int) directory + 2;
    int entries = Math.min(pair(tiff, first - 2), (tiff.limit() - first) / ENTRY);
    for (int at = first; at < first + entries * ENTRY; at += ENTRY) {
      if (pair(tiff, at) == ORIENTATION) {
        int orientation = pair(tiff, at + 2) == SHORT ? pair(tiff, at + 8) : tiff.getInt(at + 8);
        return orientation >= 5 && orientation <= 8;
      }
    }
    return false;
  }

  private static int pair(ByteBuffer tiff, int at) {
    return Short.toUnsignedInt(tiff.getShort(at));
  }
}
