package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class UniformContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "uniform";
  }

  @Override
  boolean keepsAll() {
    return false;
  }

  /** Every cell from its definition: what part of the frame it covers, what it samples. */
  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    PlainGroups groups = new PlainGroups(video);
    int wanted = wanted(video, spec);
    int frames = (int) Math.ceil((double) wanted / Math.min(4, video.h() * video.w()));
    frames = Math.min(frames, video.t());
    for (int k = 0; k < frames; k++) {
      int budget = (k + 1) * wanted / frames - k * wanted / frames;
      int t = (int) Math.floor((k + .5) * video.t() / frames);
      double rows = Math.round(Math.sqrt(budget * video.h() / (double) video.w()));
      rows = Math.min(rows, Math.min(video.h(), budget));
      rows = Math.max(rows, Math.ceil(budget / (double) video.w()));
      for (int r = 0; r < rows; r++) {
        int columns = (int) ((r + 1) * budget / (int) rows - r * budget / (int) rows);
        for (int c = 0; c < columns; c++) {
          groups.list.add(cell(groups, spec, t, new int[] {r, (int) rows}, new int[] {c, columns}));
        }
      }
    }
    return groups.result();
  }

  private static PlainGroups.Group cell(
      PlainGroups groups, MergeSpec spec, int t, int[] row, int[] column) {
    Video video = groups.video;
    int top = row[0] * video.h() / row[1];
    int bottom = (row[0] + 1) * video.h() / row[1];
    int left = column[0] * video.w() / column[1];
    int right = (column[0] + 1) * video.w() / column[1];
    int first = t * video.h() * video.w();
    PlainGroups.Group group = groups.token(first + top * video.w() + left);
    group.box = new int[] {t, top, left, bottom, right};
    for (int y = top; y < bottom; y++) {
      for (int x = left; x < right; x++) {
        if (y > top || x > left) {
          group.take(groups.token(first + y * video.w() + x));
        }
      }
    }
    if (spec.mode().equals("reference")) {
      double y = Math.max(0, (row[0] + .5) * video.h() / row[1] - .5);
      double x = Math.max(0, (column[0] + .5) * video.w() / column[1] - .5);
      group.sum = bilinear(groups, first, y, x);
      group.size = 1;
    }
    return group;
  }

  private static double[] bilinear(PlainGroups groups, int first, double y, double x) {
    Video video = groups.video;
    double[] out = new double[video.c()];
    for (int row = 0; row < video.h(); row++) {
      for (int column = 0; column < video.w(); column++) {
        double share = Math.max(0, 1 - Math.abs(y - row)) * Math.max(0, 1 - Math.abs(x - column));
        double[] vector = groups.vector(first + row * video.w() + column);
        for (int k = 0; k < out.length; k++) {
          out[k] += share * vector[k];
        }
      }
    }
    return out;
  }

  @Test
  void shouldSampleCentresOrTakeMeans() {
    float[] ramp = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ramp[0] = 100;
    Video video = new Video(ramp, 1, 4, 4, 1);
    assertThat(merge(video, "reference", .25).values()).containsExactly(27.5f, 4.5f, 10.5f, 12.5f);
    assertThat(merge(video, "strict", .25).values()).containsExactly(27.5f, 4.5f, 10.5f, 12.5f);
    assertThat(merge(video, "reference", 1 / 16.0).values()).containsExactly(7.5f);
    assertThat(merge(video, "strict", 1 / 16.0).values()).containsExactly(13.75f);
  }

  @Test
  void shouldLeaveFramesOutBelowFourTokensEach() {
    MergedTokens merged = merge(Video.random(8, 4, 4, 4, 2), "strict", 16 / 128.0).tokens();
    assertThat(merged.boxes()).startsWith(1, 0, 0, 2, 2).endsWith(7, 2, 2, 4, 4);
    assertThat(merged.owner()).startsWith(-1, -1).endsWith(14, 14, 15, 15);
  }
}
