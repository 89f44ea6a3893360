package vidfold.video;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Chooses the frames of a video by their presentation times, never by index over rate, so that a
 * variable rate needs no special case.
 *
 * <p>For k = 0, 1, 2, .. the first frame at or after k / rate seconds, then always the last frame.
 * On a constant rate f that is {@code ceil(k * f / rate)}, the rule with which LLaVA-Video and
 * Qwen2-VL are evaluated in the STTM paper; a video slower than the sampling rate repeats frames,
 * so that positions stay even in time. Above the cap the indices become {@code maxFrames} evenly
 * spaced ones from the first to the last, truncated.
 */
public final class FrameSampler {
  /** Far below the distance of two frames, far above the error of the arithmetic. */
  private static final double TOLERANCE = 1e-9;

  private FrameSampler() {}

  /** Applies a rule to a video. */
  public static SampledFrames sample(FrameTimes times, FrameRule rule) {
    int[] indices = byTime(times, rule);
    if (indices.length > rule.maxFrames()) {
      indices = spread(times.count(), rule.maxFrames());
    } else if (indices.length < rule.minFrames()) {
      indices = spread(times.count(), Math.min(rule.minFrames(), times.count()));
    }
    return new SampledFrames(even(indices, rule), times);
  }

  /** All frames, for a list that somebody chose already; above the cap evenly spread ones. */
  public static SampledFrames all(FrameTimes times, FrameRule rule) {
    int[] indices =
        times.count() > rule.maxFrames()
            ? spread(times.count(), rule.maxFrames())
            : IntStream.range(0, times.count()).toArray();
    return new SampledFrames(even(indices, rule), times);
  }

  private static int[] even(int[] indices, FrameRule rule) {
    if (!rule.evenCount() || indices.length % 2 == 0) {
      return indices;
    }
    int[] padded = Arrays.copyOf(indices, indices.length + 1);
    padded[indices.length] = indices[indices.length - 1];
    return padded;
  }

  /**
   * One frame per 1 / rate seconds, and the last; stops one past the cap, where the count no longer
   * matters.
   */
  private static int[] byTime(FrameTimes times, FrameRule rule) {
    int last = times.count() - 1;
    double end = times.unroundedSecondsFromStart(last);
    int[] chosen = new int[rule.maxFrames() + 1];
    int count = 0;
    int frame = 0;
    for (int k = 0; k / rule.framesPerSecond() < end && count < chosen.length; k++) {
      double wanted = k / rule.framesPerSecond() - TOLERANCE;
      while (times.unroundedSecondsFromStart(frame) < wanted) {
        frame++;
      }
      chosen[count++] = frame;
    }
    if (count < chosen.length && (count == 0 || chosen[count - 1] != last)) {
      chosen[count++] = last;
    }
    return Arrays.copyOf(chosen, count);
  }

  /** {@code linspace(0, frames - 1, count)} truncated to whole numbers. */
  private static int[] spread(int frames, int count) {
    int[] indices = new int[count];
    double step = count > 1 ? (frames - 1) / (double) (count - 1) : 0;
    for (int i = 0; i < count; i++) {
      indices[i] = (int) (i * step);
    }
    if (count > 1) {
      indices[count - 1] = frames - 1;
    }
    return indices;
  }
}
