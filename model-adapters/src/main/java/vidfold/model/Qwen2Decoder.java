package vidfold.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * The Qwen2 decoder (arXiv 2407.10671): grouped-query attention with biased q, k, v, RMSNorm, a
 * SiLU gated MLP, rotary positions on one or three axes. The tensor code is {@code
 * qwen2_decoder.py}.
 *
 * <p>The prefix of a video is immutable and shared; each sequence owns a small cache. Attention
 * over the two is computed apart and joined by log-sum-exp, so a prefix is never copied.
 *
 * <p>Returned tensors are the caller's to close. Used by one thread.
 */
final class Qwen2Decoder implements AutoCloseable {

  private static final int SLOTS = 16;
  private static final int EMBED = -1;
  private static final int NORM = -2;
  private static final int HEAD = -3;
  private static final int FREQUENCIES = -4;
  private static final int AXES = -5;

  private final Torch torch;
  private final Qwen2Config config;
  private final WeightFormat format;
  private final TorchModule script;

  /** Loads the decoder with its weights as they are stored. */
  Qwen2Decoder(Torch torch, Qwen2Config config, Weights weights, String prefix) {
    this(torch, config, weights, prefix, WeightFormat.STORED);
  }

  /**
   * Loads the decoder.
   *
   * @param prefix what stands before {@code layers.0} in the weights' names, such as {@code model.}
   * @param format how the linear layers are kept; the embedding stays in the model's dtype
   */
  Qwen2Decoder(
      Torch torch, Qwen2Config config, Weights weights, String prefix, WeightFormat format) {
    format.requireOn(torch);
    this.torch = torch;
    this.config = config;
    this.format = format;
    this.script = torch.script("Qwen2Decoder", "qwen2_decoder.py", "weights", "scales");
    try {
      loadEnds(weights, prefix);
      for (int layer = 0; layer < config.layers(); layer++) {
        loadLayer(weights, prefix + "layers." + layer + ".", layer * SLOTS);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  Qwen2Config config() {
    return config;
  }

  WeightFormat format() {
    return format;
  }

  /** Bytes of all weights. */
  long weightBytes() {
    return script.callLong("bytes");
  }

  /** Visual rows {@code [N, C]} between two runs of text -> {@code [P, C]}. */
  Tensor join(int[] before, Tensor visual, int[] after) {
    try (Tensor left = torch.ints(before, before.length);
        Tensor right = torch.ints(after, after.length)) {
      return script.callTensor("join", left, visual, right);
    }
  }

  /** Replaces rows [start, end) of {@code x [P, C]} by {@code visual [M, C]}. */
  Tensor splice(Tensor x, int start, int end, Tensor visual) {
    return script.callTensor("splice", x, start, end, visual);
  }

  Tensor rows(Tensor x, int start, int count) {
    return script.callTensor("rows", x, start, count);
  }

  /** Row {@code index} of {@code x [B, V]}, as {@code [V]}. */
  Tensor row(Tensor x, int index) {
    return script.callTensor("row", x, index);
  }

  Tensor cat(List<Tensor> parts) {
    return script.callTensor("cat", parts);
  }

  /** An uninitialised cache {@code [layers, 2, Hkv, capacity, D]}. */
  Tensor newCache(int layers, int capacity) {
    return script.callTensor(
        "empty", (Object) new long[] {layers, 2, config.kvHeads(), capacity, config.headDim()});
  }

  /** Bytes of a cache of this many layers and tokens. */
  long cacheBytes(int layers, int capacity) {
    return 2L * layers * config.kvHeads() * capacity * config.headDim() * torch.dtype().bytes();
  }

  /**
   * Sends one chunk of a video's prefix through the layers that {@code kv} covers.
   *
   * @param x hidden states {@code [S, C]} that enter layer {@code first}
   * @param positions ids of these S tokens
   * @param kv cache {@code [n, 2, Hkv, P, D]} of layers first .. first+n-1, filled up to {@code
   *     past}
   * @param kvOnly whether the last layer only writes its keys and values, its output being unused
   * @return hidden states {@code [S, C]} that leave the last layer
   */
  Tensor prefillPrefix(
      Tensor x, Positions positions, Tensor kv, int first, int past, boolean kvOnly) {
    try (Tensor ids = positions.toTensor(torch)) {
      return script.callTensor("prefill_prefix", x, ids, kv, first, past, kvOnly, config.normEps());
    }
  }

  /** Feeds a chunk of a question; returns the logits {@code [V]} of its last token. */
  Tensor prefillQuestion(int[] tokens, OwnKv own) {
    PrefixKv prefix = own.prefix();
    int past = own.length();
    try (Tensor ids = torch.ints(tokens, tokens.length);
        Tensor low = Positions.text(prefix.nextLow() + past, tokens.length).toTensor(torch);
        Tensor high = Positions.text(prefix.nextHigh() + past, tokens.length).toTensor(torch)) {
      return script.callTensor(
          "prefill_question",
          ids,
          low,
          high,
          prefix.lower(),
          prefix.upper(),
          own.kv(),
          past,
          config.normEps());
    }
  }

  /** Feeds one token to each of B sequences; returns their logits {@code [B, V]}. */
  Tensor decode(List<OwnKv> sequences, int[] tokens) {
    long[] low = new long[tokens.length];
    long[] high = new long[tokens.length];
    long[] lengths = new long[tokens.length];
    List<Tensor> lower = new ArrayList<>();
    List<Tensor> upper = new ArrayList<>();
    List<Tensor> own = new ArrayList<>();
    for (int b = 0; b < tokens.length; b++) {
      OwnKv sequence = sequences.get(b);
      lengths[b] = sequence.length();
      low[b] = sequence.prefix().nextLow() + lengths[b];
      high[b] = sequence.prefix().nextHigh() + lengths[b];
      lower.add(sequence.prefix().lower());
      upper.add(sequence.prefix().upper());
      own.add(sequence.kv());
    }
    PrefixKv first = sequences.get(0).prefix();
    boolean shared = sequences.stream().allMatch(sequence -> sequence.prefix() == first);
    try (Tensor ids = torch.ints(tokens, tokens.length);
        Tensor lowIds = new Positions(low, low, low).toTensor(torch);
        Tensor highIds = new Positions(high, high, high).toTensor(torch)) {
      return shared
          ? script.callTensor(
              "decode_shared",
              ids,
              lowIds,
              highIds,
              first.lower(),
              first.upper(),
              own,
              lengths,
              config.normEps())
          : script.callTensor(
              "decode", ids, lowIds, highIds, lower, upper, own, lengths, config.normEps());
    }
  }

  /** Logits {@code [S, V]} of hidden states {@code [S, C]}. */
  Tensor logits(Tensor x) {
    return script.callTensor("logits", x, config.normEps());
  }

  @Override
  public void close() {
    script.call("drop");
    script.close();
  }

  /** The weight under a key, or nothing; the caller closes it. */
  List<Tensor> held(int key) {
    return script.callTensors("held", key);
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
    put(format == WeightFormat.INT8 ? "put_int8" : "put", key, parts);
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
