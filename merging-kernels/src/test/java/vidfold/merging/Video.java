package vidfold.merging;

import java.util.Random;

/** Tokens on the heap, {@code [T, H, W, C]} row-major, with makers of test videos. */
record Video(float[] values, int t, int h, int w, int c) {

  /** Independent Gaussian tokens: nothing resembles anything. */
  static Video random(int t, int h, int w, int c, long seed) {
    Random random = new Random(seed);
    float[] values = new float[t * h * w * c];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return new Video(values, t, h, w, c);
  }

  /** Every token is the same vector. */
  static Video constant(int t, int h, int w, int c) {
    Video one = random(1, 1, 1, c, 7);
    return one.paint(t, h, w, (frame, y, x) -> 0);
  }

  /**
   * A scene of a few materials whose patches of different sizes move over time, plus noise: trees
   * stop at all levels and groups of all shapes form.
   */
  static Video scene(int t, int h, int w, int c, long seed) {
    Random random = new Random(seed);
    Video materials = random(1, 1, 6, c, seed + 1);
    int[] material = new int[h * w];
    for (int y = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        material[y * w + x] = (y * 2 / Math.max(2, h)) * 2 + x * 2 / Math.max(2, w);
      }
    }
    int height = Math.max(1, h / 4);
    Video out =
        materials.paint(
            t,
            h,
            w,
            (frame, y, x) ->
                y / height == 1 && (x + frame) % 5 == 0
                    ? 4
                    : (frame / 3 + y * 3 / (h + 1)) % 4 == 3 ? 5 : material[y * w + x]);
    for (int i = 0; i < out.values.length; i++) {
      out.values[i] += (float) (0.6 * random.nextDouble() * random.nextGaussian());
    }
    return out;
  }

  /** Which vector of this one-row video each token of another takes. */
  interface Palette {
    int at(int frame, int y, int x);
  }

  /** Paints a video with this one's vectors. */
  Video paint(int frames, int height, int width, Palette palette) {
    float[] out = new float[frames * height * width * c];
    for (int i = 0; i < frames * height * width; i++) {
      int leaf = i % (height * width);
      int from = palette.at(i / (height * width), leaf / width, leaf % width);
      System.arraycopy(values, from * c, out, i * c, c);
    }
    return new Video(out, frames, height, width, c);
  }

  int tokens() {
    return t * h * w;
  }
}
