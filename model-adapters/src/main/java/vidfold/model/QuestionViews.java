package vidfold.model;

import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * The tensor code of per-question reducers: {@code question_view.py}, and what it shares with a
 * decoder. Returned tensors are the caller's to close.
 */
final class QuestionViews implements AutoCloseable {

  private final Torch torch;
  private final Qwen2Config config;
  private final TorchModule decoder;
  private final TorchModule script;

  /**
   * Loads the code.
   *
   * @param decoder the script of the decoder, which stays its owner's
   */
  QuestionViews(Torch torch, Qwen2Config config, TorchModule decoder) {
    this.torch = torch;
    this.config = config;
    this.decoder = decoder;
    this.script = torch.script("QuestionView", "question_view.py");
  }

  /**
   * Sends a chunk of a question through the layers below {@code layer}, which see all of its
   * prefix.
   *
   * @return hidden states {@code [S, C]}, and of the last of these layers the queries {@code [Hq,
   *     S, D]} and the log-sum-exp {@code [1, Hq, S]}
   */
  List<Tensor> below(int[] tokens, OwnKv own, int layer) {
    PrefixKv prefix = own.prefix();
    int past = own.length();
    try (Tensor ids = torch.ints(tokens, tokens.length);
        Tensor x = decoder.callTensor("embed", ids);
        Tensor low = Positions.text(prefix.nextLow() + past, tokens.length).toTensor(torch);
        Tensor high = Positions.text(prefix.nextHigh() + past, tokens.length).toTensor(torch)) {
      return decoder.callTensors(
          "seeing_layers",
          x,
          new long[] {0, 0, layer, layersBelow(prefix)},
          low,
          high,
          prefix.lower().only(),
          prefix.upper().only(),
          own.kv().only(),
          past,
          config.normEps());
    }
  }

  /** Sends that chunk through the other layers, which see {@code rows}; its last logits. */
  Tensor above(Tensor x, int past, Tensor rows, OwnKv own) {
    int count = Math.toIntExact(x.shape()[0]);
    int layers = config.layers();
    long first = layers - rows.shape()[0];
    try (TensorScope scope = new TensorScope()) {
      Tensor ids = scope.own(Positions.text(own.prefix().nextHigh() + past, count).toTensor(torch));
      List<Tensor> out =
          decoder.callTensors(
              "seeing_layers",
              x,
              new long[] {0, first, layers, first},
              ids,
              ids,
              rows,
              rows,
              own.kv().only(),
              past,
              config.normEps());
      out.forEach(scope::own);
      return decoder.callTensor("last_logits", out.get(0), config.normEps());
    }
  }

  /** Layers of a prefix that hold the visual tokens as they were before the merge. */
  int layersBelow(PrefixKv prefix) {
    return Math.toIntExact(prefix.lower().only().shape()[0]);
  }

  /** Query heads of the decoder. */
  int heads() {
    return config.heads();
  }

  /** A sequence's own keys and values {@code [2, Hkv, capacity, D]} in one layer. */
  Tensor layerOf(OwnKv own, int layer) {
    return decoder.callTensor("row", own.kv().only(), layer);
  }

  /** The keys and values {@code [2, Hkv, P, D]} of a prefix in one layer. */
  Tensor layerOf(PrefixKv prefix, int layer) {
    return decoder.callTensor(
        "prefix_of", layer, layersBelow(prefix), prefix.lower().only(), prefix.upper().only());
  }

  /**
   * The attention that queries pay to visual tokens: softmax weights, mean over heads.
   *
   * @param range the first query and how many
   * @return {@code [queries, V]}, f32
   */
  Tensor paid(Tensor q, Tensor lse, Tensor layer, VisualRows visual, int[] range) {
    return decoder.callTensor("paid", q, lse, layer, visual.span(), range[0], range[1]);
  }

  /** The places, ascending, of the highest scores {@code [V]}; of equal ones the earlier. */
  Tensor highest(Tensor scores, int count) {
    return decoder.callTensor("highest", scores, count);
  }

  /** The rows of a prefix's upper layers that stay when only these visual ones are kept. */
  Tensor staying(Tensor kept, PrefixKv prefix) {
    long rows = prefix.upper().only().shape()[3];
    return decoder.callTensor("staying", kept, prefix.visual().span(), rows);
  }

  /** Cosines and sines {@code [V, D]} that turn each row to the position of the one it joins. */
  List<Tensor> turn(Positions positions, Tensor kept, Tensor owner) {
    try (Tensor ids = positions.toTensor(torch);
        Tensor turns = turns(ids, kept, owner)) {
      return decoder.callTensors("rope", turns);
    }
  }

  /**
   * The highest cosine of each visual value with that of a token of the text.
   *
   * @param layer a prefix's {@code [2, Hkv, P, D]} in one layer
   * @param own the same of the question
   * @param past the first of its rows that count
   * @param rows how many do
   * @return {@code [V]}
   */
  Tensor alike(Tensor layer, VisualRows visual, Tensor own, int past, int rows) {
    return script.callTensor("alike", layer, visual.span(), own, past, rows);
  }

  /** The largest of each column of {@code [S, V]}. */
  Tensor largest(Tensor weights) {
    return script.callTensor("largest", weights);
  }

  /** The largest of each place among equal shapes. */
  Tensor most(List<Tensor> parts) {
    return script.callTensor("most", parts);
  }

  /** {@code (1 - weight) * attention + weight * similarity}, both {@code [V]}, each from 0 to 1. */
  Tensor importance(Tensor attention, Tensor similarity, double weight) {
    return script.callTensor("importance", attention, similarity, weight);
  }

  /** Layers of {@code upper} from {@code first} on with these rows only. */
  Tensor picked(Tensor upper, int first, Tensor rows) {
    return script.callTensor("picked", upper, first, rows);
  }

  /** For each visual row the place among the kept {@code [k]} of the most similar: {@code [V]}. */
  Tensor nearest(Tensor layer, VisualRows visual, Tensor kept) {
    return script.callTensor("nearest", layer, visual.span(), kept);
  }

  /** How far each visual row must be turned to lie where its kept one does: {@code [3, V]}. */
  private Tensor turns(Tensor positions, Tensor kept, Tensor owner) {
    return script.callTensor("turns", positions, kept, owner);
  }

  /**
   * Where the rows of a merge come from.
   *
   * @param owner {@code [V]}, which of the kept each visual row joins
   * @param cos {@code [V, D]}, with {@code sin} the turn of its keys
   */
  record Joining(Tensor owner, int kept, Tensor cos, Tensor sin) {}

  /** Layers of {@code upper} from {@code first} on with the visual rows merged. */
  Tensor merged(Tensor upper, int first, VisualRows visual, Joining joining) {
    return script.callTensor(
        "merged",
        upper,
        first,
        visual.span(),
        joining.owner(),
        joining.kept(),
        joining.cos(),
        joining.sin());
  }

  @Override
  public void close() {
    script.close();
  }
}
