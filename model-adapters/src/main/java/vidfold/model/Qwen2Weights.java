package vidfold.model;

import java.util.Arrays;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/** Loads the decoder's weights into its script, each layer onto its device. */
final class Qwen2Weights {

  private static final int SLOTS = 16;
  private static final int LAYER_WEIGHTS = 7;
  private static final int EMBED = -1;
  private static final int NORM = -2;
  private static final int HEAD = -3;
  private static final int FREQUENCIES = -4;
  private static final int AXES = -5;

  private final Torch torch;
  private final Qwen2Config config;
  private final TorchModule script;
  private final DecoderLayout layout;

  Qwen2Weights(Torch torch, Qwen2Config config, TorchModule script, DecoderLayout layout) {
    this.torch = torch;
    this.config = config;
    this.script = script;
    this.layout = layout;
  }

  /** Loads everything, one weight at a time. */
  void load(Weights weights, String prefix) {
    loadEnds(weights, prefix);
    for (PlacementPlan.Share share : layout.plan().shares()) {
      for (int layer = share.first(); layer < share.end(); layer++) {
        loadLayer(weights, prefix + "layers." + layer + ".", layer * SLOTS);
        if (layout.plan().isSplit()) {
          move(layer * SLOTS, share.device());
        }
      }
    }
  }

  private void move(int base, String device) {
    for (int slot = 0; slot < LAYER_WEIGHTS; slot++) {
      script.call("move", base + slot, device);
    }
  }

  private void loadEnds(Weights weights, String prefix) {
    long v = config.vocabulary();
    long c = config.hidden();
    put(EMBED, weights.load(prefix + "embed_tokens.weight", v, c));
    put(NORM, weights.load(prefix + "norm.weight", c));
    if (!config.tiedHead()) {
      putLinear(HEAD, weights.load("lm_head.weight", v, c));
    }
    put(FREQUENCIES, torch.floats(frequencies(), config.headDim() / 2));
    put(AXES, torch.longs(axes(), config.headDim() / 2));
  }

  /** Fuses q, k, v and gate, up: one matrix product instead of three and two. */
  private void loadLayer(Weights weights, String name, int base) {
    long c = config.hidden();
    long q = (long) config.heads() * config.headDim();
    long kv = (long) config.kvHeads() * config.headDim();
    long f = config.intermediate();
    String attention = name + "self_attn.";
    String mlp = name + "mlp.";
    put(base, weights.load(name + "input_layernorm.weight", c));
    putLinear(
        base + 1,
        weights.load(attention + "q_proj.weight", q, c),
        weights.load(attention + "k_proj.weight", kv, c),
        weights.load(attention + "v_proj.weight", kv, c));
    put(
        base + 2,
        weights.load(attention + "q_proj.bias", q),
        weights.load(attention + "k_proj.bias", kv),
        weights.load(attention + "v_proj.bias", kv));
    putLinear(base + 3, weights.load(attention + "o_proj.weight", c, q));
    put(base + 4, weights.load(name + "post_attention_layernorm.weight", c));
    putLinear(
        base + 5,
        weights.load(mlp + "gate_proj.weight", f, c),
        weights.load(mlp + "up_proj.weight", f, c));
    putLinear(base + 6, weights.load(mlp + "down_proj.weight", c, f));
  }

  private void put(int key, Tensor... parts) {
    put("put", key, parts);
  }

  private void putLinear(int key, Tensor... parts) {
    put(layout.format() == WeightFormat.INT8 ? "put_int8" : "put", key, parts);
  }

  private void put(String method, int key, Tensor... parts) {
    try {
      script.call(method, key, List.of(parts));
    } finally {
      Arrays.stream(parts).forEach(Tensor::close);
    }
  }

  private float[] frequencies() {
    int half = config.headDim() / 2;
    float[] out = new float[half];
    for (int i = 0; i < half; i++) {
      out[i] = 1f / (float) Math.pow(config.ropeTheta(), (float) (2 * i) / config.headDim());
    }
    return out;
  }

  /** Which of the three axes each frequency turns with. */
  private long[] axes() {
    long[] out = new long[config.headDim() / 2];
    int at = 0;
    for (int section = 0; section < config.ropeSections().size(); section++) {
      int count = config.ropeSections().get(section);
      Arrays.fill(out, at, at + count, section % 3);
      at += count;
    }
    return out;
  }
}
