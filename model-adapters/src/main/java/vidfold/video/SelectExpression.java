package vidfold.video;

/**
 * ffmpeg's {@code select} filter expression that lets through the first decoded frame at or after
 * each wanted time.
 *
 * <p>A binary tree over the wanted times counts how many of them a frame has reached; a frame
 * passes when that count is higher than at the last frame that passed. So a frame that cannot be
 * decoded is replaced by the next that can. Evaluated in log(n) steps a frame; some 30 characters
 * for every wanted time.
 */
final class SelectExpression {
  private SelectExpression() {}

  /** The filter for wanted times in ticks, ascending. */
  static String of(long[] ticks) {
    StringBuilder text = new StringBuilder("select='st(1,");
    reached(ticks, 0, ticks.length, text);
    return text.append(");if(gt(ld(1),ld(0)),st(0,ld(1))*0+1,0)'").toString();
  }

  /** How many of ticks[0..to) are at or before the frame, given that ticks[0..from) are. */
  private static void reached(long[] ticks, int from, int to, StringBuilder text) {
    if (from == to) {
      text.append(from);
      return;
    }
    int middle = (from + to) >>> 1;
    text.append("if(lt(pts,").append(ticks[middle]).append("),");
    reached(ticks, from, middle, text);
    text.append(',');
    reached(ticks, middle + 1, to, text);
    text.append(')');
  }
}
