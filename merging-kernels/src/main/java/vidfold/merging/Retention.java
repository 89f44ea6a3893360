package vidfold.merging;

import org.jspecify.annotations.Nullable;
import vidfold.merging.MergeSpec.Thresholds;

/**
 * How much of a video was kept.
 *
 * @param asked the share that was asked for, or null when thresholds were given
 * @param achieved M / N
 * @param thresholds the cosine thresholds that gave it, or null when none were used
 */
public record Retention(@Nullable Double asked, double achieved, @Nullable Thresholds thresholds) {
  public Retention {
    if (!(achieved > 0 && achieved <= 1)) {
      throw new IllegalArgumentException("achieved must be in (0, 1] but was " + achieved);
    }
  }
}
