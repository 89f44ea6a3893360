package vidfold.merging;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** USTC's external stage written down slowly: one list of tokens at a time, all distances. */
final class PlainUstc {

  private final PlainGroups tokens;
  private final int window;

  private PlainUstc(Video video, int window) {
    this.tokens = PlainGroups.each(video);
    this.window = window;
  }

  static PlainSttm.Result merge(Video video, int wanted, double[] saliency, int window) {
    return new PlainUstc(video, window).merge(wanted, saliency);
  }

  /** 1 - cosine with the mean of the frame. */
  static double[] distinctness(Video video) {
    PlainGroups tokens = PlainGroups.each(video);
    int leaves = video.h() * video.w();
    double[] out = new double[video.tokens()];
    for (int i = 0; i < out.length; i++) {
      double[] frame = new double[video.c()];
      for (int j = i / leaves * leaves; j < (i / leaves + 1) * leaves; j++) {
        for (int k = 0; k < frame.length; k++) {
          frame[k] += video.values()[j * video.c() + k];
        }
      }
      out[i] = 1 - PlainGroups.cosine(tokens.vector(i), frame);
    }
    return out;
  }

  private PlainSttm.Result merge(int wanted, double[] saliency) {
    List<PlainGroups.Group> order = new ArrayList<>(tokens.list);
    order.sort(Comparator.comparingDouble(token -> -saliency[token.source]));
    List<PlainGroups.Group> pool = new ArrayList<>();
    for (PlainGroups.Group token : order) {
      boolean apart =
          pool.stream().allMatch(other -> PlainGroups.cosine(token.sum, other.sum) < 0.7f);
      if (apart && pool.size() < wanted * 7 / 10) {
        pool.add(token);
      }
    }
    List<PlainGroups.Group> recycled = new ArrayList<>(tokens.list);
    recycled.removeAll(pool);
    List<PlainGroups.Group> centres = centres(recycled, wanted - pool.size());
    List<double[]> places = centres.stream().map(PlainGroups.Group::vector).toList();
    for (PlainGroups.Group token : recycled) {
      if (!centres.contains(token)) {
        int nearest = 0;
        for (int i = 1; i < places.size(); i++) {
          if (square(token.vector(), places.get(i)) < square(token.vector(), places.get(nearest))) {
            nearest = i;
          }
        }
        joins.add(new Join(token, centres.get(nearest)));
      }
    }
    return finish(pool, centres);
  }

  /** A recycled token and the cluster that it becomes part of. */
  private record Join(PlainGroups.Group token, PlainGroups.Group centre) {}

  private final List<Join> joins = new ArrayList<>();

  private PlainSttm.Result finish(List<PlainGroups.Group> pool, List<PlainGroups.Group> centres) {
    joins.forEach(join -> join.centre.take(join.token));
    tokens.list = new ArrayList<>(pool);
    tokens.list.addAll(centres);
    tokens.list.sort(Comparator.comparingInt(group -> group.source));
    return tokens.result();
  }

  private List<PlainGroups.Group> centres(List<PlainGroups.Group> recycled, int count) {
    record Peak(PlainGroups.Group token, double score) {}
    List<Peak> peaks = new ArrayList<>();
    int windows = (int) Math.ceil((double) recycled.size() / window);
    for (int i = 0; i < windows; i++) {
      List<PlainGroups.Group> part =
          recycled.subList(
              start(recycled.size(), windows, i), start(recycled.size(), windows, i + 1));
      double[] density = new double[part.size()];
      for (int a = 0; a < density.length; a++) {
        density[a] = density(part, a);
      }
      for (int a = 0; a < density.length; a++) {
        double near = Double.POSITIVE_INFINITY;
        double far = 0;
        for (int b = 0; b < density.length; b++) {
          double apart = Math.sqrt(square(part.get(a).vector(), part.get(b).vector()));
          boolean denser = density[b] > density[a] || (density[b] == density[a] && b < a);
          near = denser ? Math.min(near, apart) : near;
          far = Math.max(far, apart);
        }
        double score = density[a] * (Double.isInfinite(near) ? far : near);
        peaks.add(new Peak(part.get(a), density.length == 1 ? 1 : score));
      }
    }
    peaks.sort(Comparator.comparingDouble(peak -> -peak.score));
    return peaks.subList(0, count).stream().map(Peak::token).toList();
  }

  /** The first windows are larger by one where the tokens cannot be dealt out evenly. */
  private static int start(int count, int windows, int i) {
    return i * (count / windows) + Math.min(i, count % windows);
  }

  private static double density(List<PlainGroups.Group> part, int a) {
    List<Double> squares = new ArrayList<>();
    for (int b = 0; b < part.size(); b++) {
      if (b != a) {
        squares.add(square(part.get(a).vector(), part.get(b).vector()));
      }
    }
    return Math.exp(
        -squares.stream().sorted().limit(7).mapToDouble(square -> square).average().orElse(0));
  }

  private static double square(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += (a[k] - b[k]) * (a[k] - b[k]);
    }
    return sum / a.length;
  }
}
