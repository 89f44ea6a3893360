package vidfold.merging;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Survivors as objects, in doubles: what the plain twins of the reducers share. */
final class PlainGroups {

  /** A survivor: what represents it, what it holds, and its sum over its size. */
  static final class Group {
    int source;
    int[] box;
    int size;
    double[] sum;
    final List<Integer> members = new ArrayList<>();

    double[] vector() {
      double[] out = sum.clone();
      for (int k = 0; k < out.length; k++) {
        out[k] /= size;
      }
      return out;
    }

    void take(Group other) {
      members.addAll(other.members);
      size += other.size;
      for (int k = 0; k < sum.length; k++) {
        sum[k] += other.sum[k];
      }
    }
  }

  final Video video;
  List<Group> list = new ArrayList<>();

  PlainGroups(Video video) {
    this.video = video;
  }

  /** Every token as a group. */
  static PlainGroups each(Video video) {
    PlainGroups out = new PlainGroups(video);
    for (int i = 0; i < video.tokens(); i++) {
      out.list.add(out.token(i));
    }
    return out;
  }

  /** The groups of a twin's result. */
  static PlainGroups of(Video video, PlainSttm.Result result) {
    PlainGroups out = new PlainGroups(video);
    for (int i = 0; i < result.size().length; i++) {
      Group group = new Group();
      group.source = result.sourceIndex()[i];
      group.box = java.util.Arrays.copyOfRange(result.boxes(), 5 * i, 5 * i + 5);
      group.size = result.size()[i];
      group.sum = result.values()[i].clone();
      for (int k = 0; k < group.sum.length; k++) {
        group.sum[k] *= group.size;
      }
      for (int j = 0; j < video.tokens(); j++) {
        if (result.owner()[j] == i) {
          group.members.add(j);
        }
      }
      out.list.add(group);
    }
    return out;
  }

  Group token(int i) {
    Group group = new Group();
    int leaf = i % (video.h() * video.w());
    int top = leaf / video.w();
    int left = leaf % video.w();
    group.source = i;
    group.box = new int[] {i / (video.h() * video.w()), top, left, top + 1, left + 1};
    group.size = 1;
    group.sum = vector(i);
    group.members.add(i);
    return group;
  }

  double[] vector(int token) {
    double[] out = new double[video.c()];
    for (int k = 0; k < out.length; k++) {
      out[k] = video.values()[token * video.c() + k];
    }
    return out;
  }

  static double cosine(double[] a, double[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int k = 0; k < a.length; k++) {
      dot += a[k] * b[k];
      aa += a[k] * a[k];
      bb += b[k] * b[k];
    }
    return dot / (Math.max(Math.sqrt(aa), 1e-8) * Math.max(Math.sqrt(bb), 1e-8));
  }

  /** Merges the most similar neighbours, a quarter a round, until {@code wanted} are left. */
  PlainGroups trim(int wanted) {
    while (list.size() > wanted) {
      record Edge(Group a, Group b, double cosine) {}
      List<Edge> edges = new ArrayList<>();
      for (int i = 0; i < list.size(); i++) {
        for (int j = i + 1; j < list.size(); j++) {
          if (touch(list.get(i), list.get(j))) {
            double cosine = cosine(list.get(i).sum, list.get(j).sum);
            edges.add(new Edge(list.get(i), list.get(j), cosine));
          }
        }
      }
      edges.sort(Comparator.comparingDouble(edge -> -edge.cosine));
      int left = Math.min(list.size() - wanted, Math.max(1, list.size() / 4));
      List<Group> taken = new ArrayList<>();
      for (Edge edge : edges) {
        if (left > 0 && !taken.contains(edge.a) && !taken.contains(edge.b)) {
          taken.add(edge.a);
          taken.add(edge.b);
          edge.a.take(edge.b);
          list.remove(edge.b);
          left--;
        }
      }
    }
    return this;
  }

  private boolean touch(Group a, Group b) {
    int frame = video.h() * video.w();
    for (int i : a.members) {
      for (int j : b.members) {
        int low = Math.min(i, j);
        int high = Math.max(i, j);
        boolean row = high == low + 1 && high % video.w() != 0;
        boolean column = high == low + video.w() && low / frame == high / frame;
        if (row || column || high == low + frame) {
          return true;
        }
      }
    }
    return false;
  }

  PlainSttm.Result result() {
    int m = list.size();
    double[][] values = new double[m][];
    int[] boxes = new int[5 * m];
    int[] patches = new int[m];
    int[] source = new int[m];
    int[] size = new int[m];
    int[] owner = new int[video.tokens()];
    java.util.Arrays.fill(owner, -1);
    for (int i = 0; i < m; i++) {
      Group group = list.get(i);
      values[i] = group.vector();
      System.arraycopy(group.box, 0, boxes, 5 * i, 5);
      patches[i] = group.members.size();
      source[i] = group.source;
      size[i] = group.size;
      for (int member : group.members) {
        owner[member] = i;
      }
    }
    return new PlainSttm.Result(values, boxes, patches, source, owner, size);
  }
}
