package vidfold.video;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Matches decoded frames with the chosen ones and hands them to the sink: each chosen frame gets
 * the first decoded frame at or after its time.
 */
final class FrameDelivery {
  private final SampledFrames wanted;
  private final FrameSink sink;
  private final List<Double> seconds = new ArrayList<>();
  private int next;
  private int replaced;

  FrameDelivery(SampledFrames wanted, FrameSink sink) {
    this.wanted = wanted;
    this.sink = sink;
  }

  /** A decoded frame; serves every chosen frame up to its time. */
  void deliver(long ticks, ByteBuffer rgb) {
    while (!isComplete() && ticksOf(next) <= ticks) {
      serve(ticks, rgb);
    }
  }

  /** The last frame that can be decoded; serves all that are left, which lie behind it. */
  void deliverRest(long ticks, ByteBuffer rgb) {
    while (!isComplete()) {
      serve(ticks, rgb);
    }
  }

  private void serve(long ticks, ByteBuffer rgb) {
    boolean repeat = next > 0 && wanted.index(next) == wanted.index(next - 1);
    if (ticks != ticksOf(next) && !repeat) {
      replaced++;
    }
    double time = wanted.times().toSeconds(ticks);
    seconds.add(time);
    sink.accept(next, time, rgb.asReadOnlyBuffer().rewind());
    next++;
  }

  boolean isComplete() {
    return next == wanted.count();
  }

  /** Chosen frames that were replaced by a neighbour, repeats not counted. */
  int replaced() {
    return replaced;
  }

  List<Double> seconds() {
    return seconds;
  }

  private long ticksOf(int position) {
    return wanted.times().ticks(wanted.index(position));
  }
}
