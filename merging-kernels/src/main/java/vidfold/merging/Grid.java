package vidfold.merging;

/** The places of a video's tokens: T frames of H rows and W columns, numbered frame by frame. */
record Grid(int t, int h, int w) {

  static Grid of(VideoTokens tokens) {
    return new Grid(tokens.t(), tokens.h(), tokens.w());
  }

  /** Tokens of a frame. */
  int leaves() {
    return h * w;
  }

  /** Tokens of the video, N. */
  int count() {
    return t * h * w;
  }

  /** {@code M x 5}: t, top, left, bottom, right of single tokens. */
  int[] cells(int[] source) {
    int[] boxes = new int[5 * source.length];
    for (int i = 0; i < source.length; i++) {
      int leaf = source[i] % leaves();
      int top = leaf / w;
      int left = leaf % w;
      int[] box = {source[i] / leaves(), top, left, top + 1, left + 1};
      System.arraycopy(box, 0, boxes, 5 * i, 5);
    }
    return boxes;
  }
}
