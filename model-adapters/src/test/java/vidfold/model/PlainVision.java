package vidfold.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import vidfold.torch.Tensor;

/** Blocks of a vision tower written down slowly, in f64, with attention as a plain softmax. */
final class PlainVision {

  private final Map<String, float[]> weights = new HashMap<>();
  private final int heads;

  /** Names of a block's parts, and what tells the two towers apart. */
  record Block(
      String norm1,
      List<String> qkv,
      String out,
      String norm2,
      String mlp,
      DoubleUnaryOperator activation) {

    static Block siglip(String name) {
      return new Block(
          name + "layer_norm1",
          List.of(name + "self_attn.q_proj", name + "self_attn.k_proj", name + "self_attn.v_proj"),
          name + "self_attn.out_proj",
          name + "layer_norm2",
          name + "mlp.",
          v -> v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))));
    }

    static Block qwen2Vl(String name) {
      return new Block(
          name + "norm1",
          List.of(name + "attn.qkv"),
          name + "attn.proj",
          name + "norm2",
          name + "mlp.",
          v -> v / (1 + Math.exp(-1.702 * v)));
    }
  }

  PlainVision(int heads) {
    this.heads = heads;
  }

  /** The same weights as the tower's, noted as they are loaded. */
  Weights noting(Weights source) {
    return (name, shape) -> {
      Tensor tensor = source.load(name, shape);
      weights.put(name, tensor.toFloats());
      return tensor;
    };
  }

  float[] weight(String name) {
    return weights.get(name);
  }

  /**
   * Replaces x {@code [S][E]} by a block's output.
   *
   * @param angles {@code [S][D]} by which queries and keys are turned
   * @return the attention that each row receives, mean over heads and rows
   */
  double[] block(double[][] x, Block names, double[][] angles) {
    int n = x.length;
    int e = x[0].length;
    double[][][] qkv = new double[3][n][];
    for (int i = 0; i < n; i++) {
      double[] h = normed(x[i], names.norm1);
      List<Double> all = new ArrayList<>();
      for (String part : names.qkv) {
        Arrays.stream(linear(part, h)).forEach(all::add);
      }
      for (int part = 0; part < 3; part++) {
        int from = part * e;
        qkv[part][i] =
            all.subList(from, from + e).stream().mapToDouble(Double::doubleValue).toArray();
      }
      qkv[0][i] = turned(qkv[0][i], angles[i]);
      qkv[1][i] = turned(qkv[1][i], angles[i]);
    }
    double[] received = new double[n];
    double[][] mixed = new double[n][e];
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < n; i++) {
        double[] paid = softmax(qkv[0][i], qkv[1], head, e / heads);
        for (int j = 0; j < n; j++) {
          received[j] += paid[j] / n / heads;
          for (int k = head * e / heads; k < (head + 1) * e / heads; k++) {
            mixed[i][k] += paid[j] * qkv[2][j][k];
          }
        }
      }
    }
    for (int i = 0; i < n; i++) {
      double[] mid = plus(x[i], linear(names.out, mixed[i]));
      double[] wide = linear(names.mlp + "fc1", normed(mid, names.norm2));
      double[] act = Arrays.stream(wide).map(names.activation).toArray();
      x[i] = plus(mid, linear(names.mlp + "fc2", act));
    }
    return received;
  }

  private static double[] softmax(double[] query, double[][] keys, int head, int d) {
    double[] out = new double[keys.length];
    double sum = 0;
    for (int j = 0; j < out.length; j++) {
      double dot = 0;
      for (int k = head * d; k < (head + 1) * d; k++) {
        dot += query[k] * keys[j][k];
      }
      out[j] = Math.exp(dot / Math.sqrt(d));
      sum += out[j];
    }
    for (int j = 0; j < out.length; j++) {
      out[j] /= sum;
    }
    return out;
  }

  private static double[] turned(double[] x, double[] angles) {
    int d = angles.length;
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double other = i % d < d / 2 ? -x[i + d / 2] : x[i - d / 2];
      out[i] = x[i] * Math.cos(angles[i % d]) + other * Math.sin(angles[i % d]);
    }
    return out;
  }

  double[] linear(String name, double[] x) {
    float[] bias = weights.get(name + ".bias");
    double[] out = times(weights.get(name + ".weight"), x);
    for (int i = 0; i < out.length; i++) {
      out[i] += bias[i];
    }
    return out;
  }

  /** x times a weight {@code [out, in]}. */
  static double[] times(float[] w, double[] x) {
    double[] out = new double[w.length / x.length];
    for (int i = 0; i < out.length; i++) {
      for (int j = 0; j < x.length; j++) {
        out[i] += w[i * x.length + j] * x[j];
      }
    }
    return out;
  }

  private double[] normed(double[] x, String name) {
    double mean = Arrays.stream(x).average().orElse(0);
    double variance = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).average().orElse(0);
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] =
          (x[i] - mean) / Math.sqrt(variance + 1e-6) * weights.get(name + ".weight")[i]
              + weights.get(name + ".bias")[i];
    }
    return out;
  }

  private static double[] plus(double[] a, double[] b) {
    double[] out = a.clone();
    for (int i = 0; i < out.length; i++) {
      out[i] += b[i];
    }
    return out;
  }
}
