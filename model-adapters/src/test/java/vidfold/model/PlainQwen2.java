package vidfold.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import vidfold.torch.Tensor;

/**
 * The Qwen2 decoder over a given prefix with a per-question reducer, written down slowly: one row
 * at a time, in f64, with attention as a plain softmax over a list of rows.
 */
final class PlainQwen2 {

  private final Qwen2Config config;
  private final Map<String, float[]> weights = new HashMap<>();

  /** Rows of keys or values that a layer holds. */
  private final List<List<Row>> prefix = new ArrayList<>();

  private final List<List<Row>> own = new ArrayList<>();
  private long[] next = new long[2];
  private VisualRows visual = new VisualRows(0, Positions.text(0, 0));
  private int mergeLayer;

  /** The rows of each layer from the reducer's on, once chosen; and which visual rows those are. */
  private final Map<Integer, List<Row>> view = new HashMap<>();

  int[] kept = new int[0];

  /** One token's key and value in one layer: {@code [Hkv * D]} each. */
  private record Row(double[] key, double[] value) {}

  PlainQwen2(Qwen2Config config) {
    this.config = config;
  }

  /** The same weights as the decoder's, noted as they are loaded. */
  Weights noting(Weights source) {
    return (name, shape) -> {
      Tensor tensor = source.load(name, shape);
      weights.put(name, tensor.toFloats());
      return tensor;
    };
  }

  /** Starts a question on a prefix. */
  void open(PrefixKv kv) {
    prefix.clear();
    own.clear();
    view.clear();
    mergeLayer = (int) kv.lower().only().shape()[0];
    prefix.addAll(rows(kv.lower().only()));
    prefix.addAll(rows(kv.upper().only()));
    for (int i = 0; i < config.layers(); i++) {
      own.add(new ArrayList<>());
    }
    visual = kv.visual();
    next = new long[] {kv.nextLow(), kv.nextHigh()};
  }

  /** Feeds the whole prompt; logits of its last token. */
  double[] prompt(int[] tokens, @Nullable QuestionReducer reducer) {
    return feed(tokens, reducer, reducer != null && !reducer.name().equals("dycoke"));
  }

  /** Feeds one token of the answer. */
  double[] step(int token, @Nullable QuestionReducer reducer) {
    return feed(new int[] {token}, reducer, reducer != null && reducer.name().equals("dycoke"));
  }

  private double[] feed(int[] tokens, @Nullable QuestionReducer reducer, boolean choose) {
    double[][] x = new double[tokens.length][];
    for (int s = 0; s < x.length; s++) {
      x[s] = slice(weights.get("model.embed_tokens.weight"), tokens[s], config.hidden());
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      List<Row> seen = view.getOrDefault(layer, prefix.get(layer));
      double[][][] attention = layer(x, layer, seen);
      if (choose && reducer != null && layer == reducer.layer() - 1) {
        choose(reducer, attention, tokens.length);
      }
    }
    return linear("lm_head", normed(x[x.length - 1], "model.norm.weight"), false);
  }

  /** Replaces x by the layer's output; returns what each token's heads pay to the prefix. */
  private double[][][] layer(double[][] x, int layer, List<Row> seen) {
    String name = "model.layers." + layer + ".";
    List<Row> mine = own.get(layer);
    double[][][] paid = new double[x.length][][];
    for (int s = 0; s < x.length; s++) {
      double[] h = normed(x[s], name + "input_layernorm.weight");
      long position = next[layer < mergeLayer ? 0 : 1] + mine.size();
      long[] at = {position, position, position};
      double[] q = turned(linear(name + "self_attn.q_proj", h, true), at);
      mine.add(
          new Row(
              turned(linear(name + "self_attn.k_proj", h, true), at),
              linear(name + "self_attn.v_proj", h, true)));
      List<Row> all = new ArrayList<>(seen);
      all.addAll(mine);
      paid[s] = new double[config.heads()][];
      double[] out = attend(q, all, paid[s]);
      double[] mid = plus(x[s], linear(name + "self_attn.o_proj", out, false));
      double[] g = normed(mid, name + "post_attention_layernorm.weight");
      double[] gate = linear(name + "mlp.gate_proj", g, false);
      double[] up = linear(name + "mlp.up_proj", g, false);
      for (int i = 0; i < gate.length; i++) {
        gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
      }
      x[s] = plus(mid, linear(name + "mlp.down_proj", gate, false));
    }
    return paid;
  }

  private double[] attend(double[] q, List<Row> rows, double[][] paid) {
    int d = config.headDim();
    double[] out = new double[config.heads() * d];
    for (int head = 0; head < config.heads(); head++) {
      int group = head / (config.heads() / config.kvHeads());
      double[] weight = new double[rows.size()];
      double sum = 0;
      for (int i = 0; i < weight.length; i++) {
        double dot = 0;
        for (int j = 0; j < d; j++) {
          dot += q[head * d + j] * rows.get(i).key[group * d + j];
        }
        weight[i] = Math.exp(dot / Math.sqrt(d));
        sum += weight[i];
      }
      for (int i = 0; i < weight.length; i++) {
        weight[i] /= sum;
        for (int j = 0; j < d; j++) {
          out[head * d + j] += weight[i] * rows.get(i).value[group * d + j];
        }
      }
      paid[head] = weight;
    }
    return out;
  }

  private void choose(QuestionReducer reducer, double[][][] attention, int tokens) {
    int count = visual.count();
    double[] score = new double[count];
    if (reducer.name().equals("ustc")) {
      double[] most = new double[count];
      double[] alike = new double[count];
      Arrays.fill(alike, -1);
      List<Row> text = own.get(reducer.layer() - 1);
      for (int v = 0; v < count; v++) {
        for (int s = 0; s < tokens; s++) {
          most[v] = Math.max(most[v], paid(attention[s], v));
          Row word = text.get(text.size() - tokens + s);
          alike[v] = Math.max(alike[v], cosine(value(reducer, v), word.value));
        }
      }
      for (int v = 0; v < count; v++) {
        score[v] = 0.5 * share(most, v) + 0.5 * share(alike, v);
      }
    } else {
      for (int v = 0; v < count; v++) {
        score[v] = paid(attention[tokens - 1], v);
      }
    }
    kept =
        IntStream.range(0, count)
            .boxed()
            .sorted(Comparator.comparingDouble(v -> -score[v]))
            .limit(reducer.kept(count))
            .mapToInt(v -> v)
            .sorted()
            .toArray();
    int[] owner = reducer.name().equals("ustc") ? owners(reducer) : new int[0];
    for (int layer = reducer.layer(); layer < config.layers(); layer++) {
      view.put(layer, narrowed(prefix.get(layer), owner));
    }
  }

  private double paid(double[][] heads, int v) {
    return Arrays.stream(heads).mapToDouble(head -> head[visual.start() + v]).average().orElse(0);
  }

  private double[] value(QuestionReducer reducer, int v) {
    return prefix.get(reducer.layer() - 1).get(visual.start() + v).value;
  }

  private int[] owners(QuestionReducer reducer) {
    TreeSet<Integer> chosen = new TreeSet<>(IntStream.of(kept).boxed().toList());
    return IntStream.range(0, visual.count())
        .map(
            v ->
                chosen.contains(v)
                    ? v
                    : chosen.stream()
                        .max(
                            Comparator.comparingDouble(
                                k -> cosine(value(reducer, v), value(reducer, k))))
                        .orElseThrow())
        .toArray();
  }

  /** The kept visual rows, or with owners the means of what they own, among the other rows. */
  private List<Row> narrowed(List<Row> rows, int[] owner) {
    List<Row> out = new ArrayList<>(rows.subList(0, visual.start()));
    for (int k : kept) {
      Row row = rows.get(visual.start() + k);
      double[] key = owner.length == 0 ? row.key : new double[row.key.length];
      double[] value = owner.length == 0 ? row.value : new double[key.length];
      double n = Arrays.stream(owner).filter(o -> o == k).count();
      for (int v = 0; v < owner.length; v++) {
        if (owner[v] == k) {
          Row other = rows.get(visual.start() + v);
          double[] moved = turned(other.key, turn(v, k));
          for (int j = 0; j < key.length; j++) {
            key[j] += moved[j] / n;
            value[j] += other.value[j] / n;
          }
        }
      }
      out.add(new Row(key, value));
    }
    out.addAll(rows.subList(visual.start() + visual.count(), rows.size()));
    return out;
  }

  private long[] turn(int from, int to) {
    Positions p = visual.positions();
    return new long[] {p.t()[to] - p.t()[from], p.h()[to] - p.h()[from], p.w()[to] - p.w()[from]};
  }

  /** x of whole heads, turned by a position on each axis. */
  private double[] turned(double[] x, long[] position) {
    int d = config.headDim();
    int half = d / 2;
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int place = i % half;
      int axis = 0;
      for (int left = place; left >= config.ropeSections().get(axis); axis++) {
        left -= config.ropeSections().get(axis);
      }
      double angle = position[axis % 3] / Math.pow(config.ropeTheta(), 2.0 * place / d);
      boolean first = i % d < half;
      double other = first ? -x[i + half] : x[i - half];
      out[i] = x[i] * Math.cos(angle) + other * Math.sin(angle);
    }
    return out;
  }

  private double[] linear(String name, double[] x, boolean biased) {
    float[] w = weights.get(name + ".weight");
    double[] out = new double[w.length / x.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = biased ? weights.get(name + ".bias")[i] : 0;
      for (int j = 0; j < x.length; j++) {
        out[i] += w[i * x.length + j] * x[j];
      }
    }
    return out;
  }

  private double[] normed(double[] x, String name) {
    double square = Arrays.stream(x).map(v -> v * v).average().orElse(0);
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] = x[i] / Math.sqrt(square + config.normEps()) * weights.get(name)[i];
    }
    return out;
  }

  /** {@code [n, 2, Hkv, P, D]} -> rows of each of n layers. */
  private List<List<Row>> rows(Tensor kv) {
    long[] shape = kv.shape();
    float[] all = kv.toFloats();
    int p = (int) shape[3];
    int d = config.headDim();
    int heads = config.kvHeads();
    List<List<Row>> out = new ArrayList<>();
    for (int layer = 0; layer < shape[0]; layer++) {
      List<Row> rows = new ArrayList<>();
      for (int row = 0; row < p; row++) {
        double[] key = new double[heads * d];
        double[] value = new double[heads * d];
        for (int i = 0; i < key.length; i++) {
          int at = ((2 * layer * heads + i / d) * p + row) * d + i % d;
          key[i] = all[at];
          value[i] = all[at + heads * p * d];
        }
        rows.add(new Row(key, value));
      }
      out.add(rows);
    }
    return out;
  }

  private static double share(double[] x, int i) {
    double low = Arrays.stream(x).min().orElse(0);
    double high = Arrays.stream(x).max().orElse(0);
    return high > low ? (x[i] - low) / (high - low) : 0;
  }

  private static double cosine(double[] a, double[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }

  private static double[] slice(float[] rows, int row, int width) {
    return IntStream.range(row * width, (row + 1) * width).mapToDouble(i -> rows[i]).toArray();
  }

  private static double[] plus(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
  }
}
