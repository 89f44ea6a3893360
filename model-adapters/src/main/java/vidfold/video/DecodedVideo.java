package vidfold.video;

import java.util.List;

/**
 * What a decode delivered.
 *
 * @param seconds the true presentation time of every frame handed out, by position; times as in the
 *     container
 * @param warnings sentences about frames that were replaced or repaired
 */
public record DecodedVideo(List<Double> seconds, List<String> warnings) {
  public DecodedVideo {
    seconds = List.copyOf(seconds);
    warnings = List.copyOf(warnings);
  }
}
