package vidfold.text;

import java.util.Arrays;

/** The token ids of a prompt before its video and between the video and the question. */
public final class PrefixTokens {

  private final int[] beforeVideo;
  private final int[] afterVideo;

  PrefixTokens(int[] beforeVideo, int[] afterVideo) {
    this.beforeVideo = beforeVideo;
    this.afterVideo = afterVideo;
  }

  /** Everything up to the token that starts the video, that one included; a copy. */
  public int[] beforeVideo() {
    return beforeVideo.clone();
  }

  /** What follows the video, from the token that ends it up to the question; a copy. */
  public int[] afterVideo() {
    return afterVideo.clone();
  }

  @Override
  public String toString() {
    return Arrays.toString(beforeVideo) + " video " + Arrays.toString(afterVideo);
  }
}
