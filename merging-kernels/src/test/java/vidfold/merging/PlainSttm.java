package vidfold.merging;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * STTM written down slowly: one object a node, recursion over children, all pairs of nodes tested.
 * The twin of the kernel; shares nothing with it but the options.
 */
final class PlainSttm {

  /** A node: its box in leaves, end exclusive, and its mean (or sum) vector. */
  private record Node(int t, int top, int left, int bottom, int right, double[] vector) {
    int patches() {
      return (bottom - top) * (right - left);
    }

    boolean holds(Node other) {
      return top <= other.top
          && left <= other.left
          && bottom >= other.bottom
          && right >= other.right;
    }
  }

  /** What the merge gave, as {@link MergedTokens} but on the heap; sizes are what sums went by. */
  record Result(
      double[][] values,
      int[] boxes,
      int[] patchCount,
      int[] sourceIndex,
      int[] owner,
      int[] size) {}

  private final Video video;
  private final SttmOptions options;
  private final double spatial;
  private final double temporal;
  private final List<int[]> sizes = new ArrayList<>();
  private final List<Node> kept = new ArrayList<>();

  private PlainSttm(Video video, SttmOptions options, MergeSpec.Thresholds thresholds) {
    this.video = video;
    this.options = options;
    this.spatial = thresholds.spatial();
    this.temporal = thresholds.temporal();
  }

  static Result merge(Video video, SttmOptions options, MergeSpec.Thresholds thresholds) {
    PlainSttm twin = new PlainSttm(video, options, thresholds);
    twin.chooseLevels();
    twin.splitFrames();
    return twin.gather(twin.groups());
  }

  private void chooseLevels() {
    int h = video.h();
    int w = video.w();
    List<int[]> all = new ArrayList<>();
    all.add(new int[] {h, w});
    int[] last = all.get(0);
    if (options.strict()) {
      int depth = (halvings(h) + halvings(w)) / 2;
      depth = Math.max(depth, Math.min(2, Math.max(halvings(h), halvings(w))));
      while (all.size() <= depth) {
        last = new int[] {(last[0] + 1) / 2, (last[1] + 1) / 2};
        all.add(last);
      }
    } else {
      while (w > 1 && last[0] != 2 && last[1] != 2) {
        last = new int[] {(last[0] + 1) / 2, (last[1] + 1) / 2};
        all.add(last);
      }
    }
    for (int i = 0; i < Math.max(1, all.size() - options.rootLevel()); i++) {
      sizes.add(0, all.get(i));
    }
  }

  private static int halvings(int side) {
    return side <= 2 ? 0 : 1 + halvings((side + 1) / 2);
  }

  private void splitFrames() {
    for (int t = 0; t < video.t(); t++) {
      for (int row = 0; row < sizes.get(0)[0]; row++) {
        for (int column = 0; column < sizes.get(0)[1]; column++) {
          split(0, t, row, column);
        }
      }
    }
    kept.sort(Comparator.comparingInt(this::index));
  }

  private int index(Node node) {
    return (node.t * video.h() + node.top) * video.w() + node.left;
  }

  private void split(int level, int t, int row, int column) {
    Node parent = node(level, t, row, column);
    if (level == sizes.size() - 1) {
      kept.add(parent);
      return;
    }
    List<int[]> children = children(level, row, column);
    List<Node> compared = new ArrayList<>();
    children.forEach(at -> compared.add(node(level + 1, t, at[0], at[1])));
    boolean stops = true;
    if (options.strict()) {
      stops = children.size() > 1;
    } else if (children.size() < 4) {
      compared.add(node(level + 1, t, 0, 0));
    }
    for (Node child : compared) {
      stops &= cosine(parent.vector, child.vector) >= (float) spatial;
    }
    if (stops) {
      kept.add(parent);
    } else {
      children.forEach(at -> split(level + 1, t, at[0], at[1]));
    }
  }

  private List<int[]> children(int level, int row, int column) {
    List<int[]> out = new ArrayList<>();
    for (int y : side(sizes.get(level + 1)[0], row)) {
      for (int x : side(sizes.get(level + 1)[1], column)) {
        out.add(new int[] {y, x});
      }
    }
    return out;
  }

  private static int[] side(int finer, int cell) {
    if (finer % 2 == 0) {
      return new int[] {2 * cell, 2 * cell + 1};
    }
    return cell == 0 ? new int[] {0} : new int[] {2 * cell - 1, 2 * cell};
  }

  private Node node(int level, int t, int row, int column) {
    int c = video.c();
    if (level == sizes.size() - 1) {
      double[] vector = new double[c];
      int from = ((t * video.h() + row) * video.w() + column) * c;
      for (int i = 0; i < c; i++) {
        vector[i] = video.values()[from + i];
      }
      return new Node(t, row, column, row + 1, column + 1, vector);
    }
    List<Node> children = new ArrayList<>();
    children(level, row, column).forEach(at -> children.add(node(level + 1, t, at[0], at[1])));
    double[] vector = new double[c];
    for (Node child : children) {
      for (int i = 0; i < c; i++) {
        vector[i] += child.vector[i] / (options.weightedAverage() ? 1 : children.size());
      }
    }
    Node first = children.get(0);
    Node end = children.get(children.size() - 1);
    return new Node(t, first.top, first.left, end.bottom, end.right, vector);
  }

  /** The mean of the cosines of all heads. */
  private double cosine(double[] a, double[] b) {
    int width = options.tree().headDim() == 0 ? a.length : options.tree().headDim();
    double sum = 0;
    for (int from = 0; from < a.length; from += width) {
      sum += cosine(a, b, from, from + width);
    }
    return sum * width / a.length;
  }

  private static double cosine(double[] a, double[] b, int from, int to) {
    double dot = 0;
    double lengthA = 0;
    double lengthB = 0;
    for (int i = from; i < to; i++) {
      dot += a[i] * b[i];
      lengthA += a[i] * a[i];
      lengthB += b[i] * b[i];
    }
    return dot / (Math.max(Math.sqrt(lengthA), 1e-8) * Math.max(Math.sqrt(lengthB), 1e-8));
  }

  /** For every kept node the node that represents it. */
  private int[] groups() {
    List<int[]> pairs = new ArrayList<>();
    for (int a = 0; a < kept.size() && temporal > 0; a++) {
      for (int b = a + 1; b < kept.size(); b++) {
        Node first = kept.get(a);
        Node second = kept.get(b);
        if (second.t == first.t + 1
            && (first.holds(second) || second.holds(first))
            && cosine(first.vector, second.vector) >= (float) temporal) {
          pairs.add(new int[] {a, b});
        }
      }
    }
    return options.strict() ? follow(pairs) : sweep(pairs);
  }

  private int[] follow(List<int[]> pairs) {
    int[] leader = identity();
    for (int[] pair : pairs) {
      leader[pair[1]] = Math.min(leader[pair[1]], pair[0]);
    }
    for (int i = 0; i < leader.length; i++) {
      leader[i] = leader[leader[i]];
    }
    return leader;
  }

  private int[] sweep(List<int[]> pairs) {
    int[] label = identity();
    boolean settled = false;
    while (!settled) {
      int[] next = label.clone();
      for (int[] pair : pairs) {
        int low = Math.min(label[pair[0]], label[pair[1]]);
        next[pair[0]] = Math.min(next[pair[0]], low);
        next[pair[1]] = Math.min(next[pair[1]], low);
      }
      settled = true;
      for (int i = 0; i < label.length; i++) {
        label[i] = next[next[i]];
      }
      for (int value : label) {
        settled &= label[value] == value;
      }
    }
    return label;
  }

  private int[] identity() {
    int[] out = new int[kept.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = i;
    }
    return out;
  }

  private Result gather(int[] leader) {
    List<Integer> survivors = new ArrayList<>();
    for (int i = 0; i < leader.length; i++) {
      if (leader[i] == i) {
        survivors.add(i);
      }
    }
    int m = survivors.size();
    double[][] values = new double[m][video.c()];
    int[] boxes = new int[5 * m];
    int[] patches = new int[m];
    int[] nodes = new int[m];
    int[] source = new int[m];
    int[] owner = new int[video.tokens()];
    for (int i = 0; i < leader.length; i++) {
      Node node = kept.get(i);
      int survivor = survivors.indexOf(leader[i]);
      nodes[survivor]++;
      patches[survivor] += node.patches();
      for (int k = 0; k < video.c(); k++) {
        values[survivor][k] += node.vector[k];
      }
      claim(owner, node, survivor);
    }
    for (int i = 0; i < m; i++) {
      Node node = kept.get(survivors.get(i));
      source[i] = index(node);
      int[] box = {node.t, node.top, node.left, node.bottom, node.right};
      System.arraycopy(box, 0, boxes, 5 * i, 5);
      for (int k = 0; k < video.c(); k++) {
        values[i][k] /= options.weightedAverage() ? patches[i] : nodes[i];
      }
    }
    return new Result(
        values, boxes, patches, source, owner, options.weightedAverage() ? patches : nodes);
  }

  private void claim(int[] owner, Node node, int survivor) {
    for (int y = node.top; y < node.bottom; y++) {
      for (int x = node.left; x < node.right; x++) {
        owner[(node.t * video.h() + y) * video.w() + x] = survivor;
      }
    }
  }
}
