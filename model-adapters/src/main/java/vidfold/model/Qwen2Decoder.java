package vidfold.model;

import java.util.ArrayList;
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

  private final Torch torch;
  private final Qwen2Config config;
  private final DecoderLayout layout;
  private final TorchModule script;
  private final QuestionViews views;

  /** Loads the decoder onto the first device with its weights as they are stored. */
  Qwen2Decoder(Torch torch, Qwen2Config config, Weights weights, String prefix) {
    this(torch, config, weights, prefix, DecoderLayout.stored(torch, config));
  }

  /**
   * Loads the decoder.
   *
   * @param prefix what stands before {@code layers.0} in the weights' names, such as {@code model.}
   */
  Qwen2Decoder(
      Torch torch, Qwen2Config config, Weights weights, String prefix, DecoderLayout layout) {
    this.torch = torch;
    this.config = config;
    this.layout = layout;
    this.script = torch.script("Qwen2Decoder", "qwen2_decoder.py", "weights", "scales", "choices");
    this.views = new QuestionViews(torch, config, script);
    try {
      new Qwen2Weights(torch, config, script, layout).load(weights, prefix);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  Qwen2Config config() {
    return config;
  }

  DecoderLayout layout() {
    return layout;
  }

  /** Chooses among ways to the same results, see {@code choose} in {@code qwen2_decoder.py}. */
  void choose(String what, int value) {
    script.call("choose", what, value);
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

  /** An uninitialised cache for layers [from, to), each part on the device of its layers. */
  LayerKv newCache(int from, int to, int capacity) {
    List<Tensor> parts = new ArrayList<>();
    for (PlacementPlan.Share share : shares()) {
      int count = Math.max(0, Math.min(to, share.end()) - Math.max(from, share.first()));
      long[] shape = {count, 2, config.kvHeads(), capacity, config.headDim()};
      parts.add(script.callTensor("empty", shape, share.first()));
    }
    return new LayerKv(from, parts);
  }

  /** Bytes of a cache of this many layers and tokens. */
  long cacheBytes(int layers, int capacity) {
    return 2L * layers * config.kvHeads() * capacity * config.headDim() * torch.dtype().bytes();
  }

  /**
   * Sends one chunk of a video's prefix through the layers that {@code kv} covers.
   *
   * @param x hidden states {@code [S, C]} that enter the first of these layers
   * @param positions ids of these S tokens
   * @param kv their cache, filled up to {@code past}
   * @param kvOnly whether the last layer only writes its keys and values, its output being unused
   * @return hidden states {@code [S, C]} that leave the last layer, on the first device
   */
  Tensor prefillPrefix(Tensor x, Positions positions, LayerKv kv, int past, boolean kvOnly) {
    try (Tensor ids = positions.toTensor(torch)) {
      int last = lastPart(kv);
      return through(
          x.share(),
          kv,
          (in, part) ->
              script.callTensor(
                  "prefill_prefix",
                  in,
                  ids,
                  kv.parts().get(part),
                  Math.max(kv.first(), shares().get(part).first()),
                  past,
                  kvOnly && part == last,
                  config.normEps()));
    }
  }

  /** Feeds a chunk of a question; returns the logits {@code [V]} of its last token. */
  Tensor prefillQuestion(int[] tokens, OwnKv own) {
    PrefixKv prefix = own.prefix();
    int past = own.length();
    try (Tensor ids = torch.ints(tokens, tokens.length);
        Tensor low = Positions.text(prefix.nextLow() + past, tokens.length).toTensor(torch);
        Tensor high = Positions.text(prefix.nextHigh() + past, tokens.length).toTensor(torch);
        Tensor out =
            through(
                script.callTensor("embed", ids),
                own.kv(),
                (x, part) ->
                    script.callTensor(
                        "question_layers",
                        x,
                        shares().get(part).first(),
                        low,
                        high,
                        prefix.lower().parts().get(part),
                        prefix.upper().parts().get(part),
                        own.kv().parts().get(part),
                        past,
                        config.normEps()))) {
      return script.callTensor("last_logits", out, config.normEps());
    }
  }

  /**
   * Feeds one token to each of B sequences; returns their logits {@code [B, V]}. A prefix is read
   * once for all consecutive sequences on it.
   */
  Tensor decode(List<OwnKv> sequences, int[] tokens) {
    DecodeBatch batch = DecodeBatch.of(sequences, config.layers());
    try (Tensor ids = torch.ints(tokens, tokens.length);
        Tensor low = batch.low().toTensor(torch);
        Tensor high = batch.high().toTensor(torch);
        Tensor out =
            through(
                script.callTensor("embed", ids),
                sequences.get(0).kv(),
                (x, part) ->
                    script.callTensor(
                        "decode_layers",
                        x,
                        shares().get(part).first(),
                        low,
                        high,
                        batch.lower(part),
                        batch.upper(part),
                        batch.views(part),
                        batch.plan(),
                        batch.own(part),
                        batch.lengths(),
                        config.normEps()))) {
      return logits(out);
    }
  }

  QuestionViews views() {
    return views;
  }

  /** What one share of the layers does to hidden states; makes a new tensor. */
  private interface Part {
    Tensor of(Tensor x, int part);
  }

  /** Sends hidden states, which it closes, through every share that holds layers of this KV. */
  private Tensor through(Tensor x, LayerKv kv, Part work) {
    Tensor at = x;
    for (int part = 0; part < shares().size(); part++) {
      if (covers(kv, part)) {
        try (Tensor in = at) {
          at = work.of(in, part);
        }
      }
    }
    if (!layout.plan().isSplit()) {
      return at;
    }
    try (Tensor away = at) {
      return script.callTensor("home", away);
    }
  }

  private boolean covers(LayerKv kv, int part) {
    return !layout.plan().isSplit() || kv.parts().get(part).shape()[0] > 0;
  }

  private int lastPart(LayerKv kv) {
    int last = kv.parts().size() - 1;
    while (last > 0 && !covers(kv, last)) {
      last--;
    }
    return last;
  }

  private List<PlacementPlan.Share> shares() {
    return layout.plan().shares();
  }

  /** Logits {@code [S, V]} of hidden states {@code [S, C]}. */
  Tensor logits(Tensor x) {
    return script.callTensor("logits", x, config.normEps());
  }

  @Override
  public void close() {
    script.call("drop");
    script.close();
    views.close();
  }

  /** The weight under a key, or nothing; the caller closes it. */
  List<Tensor> held(int key) {
    return script.callTensors("held", key);
  }
}
