package vidfold.video;

import java.nio.ByteBuffer;

/** Takes frames as they leave the decoder, in order; the decoder waits meanwhile. */
@FunctionalInterface
public interface FrameSink {
  /**
   * One chosen frame.
   *
   * @param position which of the chosen frames, 0, 1, 2, ..
   * @param seconds the time at which the picture really is shown; differs from the chosen time only
   *     where a broken frame was replaced by a neighbour
   * @param rgb rows from top to bottom, 3 bytes a pixel (R, G, B), no padding: height * width * 3
   *     bytes; direct, read-only, valid during the call only
   */
  void accept(int position, double seconds, ByteBuffer rgb);
}
