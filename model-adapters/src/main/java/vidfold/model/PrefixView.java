package vidfold.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;

/**
 * What one question sees of a prefix from its reducer's layer on. The prefix itself is only read:
 * the view holds copies of the rows that stay, or means of them, and goes with the question.
 *
 * <p>The layers below see the whole prefix, for every token of the prompt. What its last token (for
 * {@code ustc}: any of its tokens) makes of the video in the last of these layers chooses the rows;
 * then the prompt goes through the other layers. Until then the hidden states of its chunks wait
 * here. A prefix holds no hidden states, so what the papers do to those of the visual tokens is
 * done to their keys and values, which were made with every token in sight:
 *
 * <ul>
 *   <li>kept tokens keep their keys, values and positions;
 *   <li>similarity ({@code ustc}) is the cosine of values, all heads side by side;
 *   <li>a merge ({@code ustc}) is the mean of values, and of keys that are first turned to the
 *       position of the kept token.
 * </ul>
 *
 * <p>The model must lie on one device. Equal scores go to the earlier token. A view of every token
 * is the prefix itself.
 */
final class PrefixView implements AutoCloseable {

  private static final double USTC_LAMBDA = 0.5;

  /** Most attention weights in memory at a time. */
  private static final long TILE = 1L << 22;

  private final QuestionReducer reducer;
  private final PrefixKv prefix;
  private final int kept;
  private final List<Chunk> waiting = new ArrayList<>();
  private final List<Tensor> attention = new ArrayList<>();
  private final List<Tensor> similarity = new ArrayList<>();
  private final int promptTokens;
  private @Nullable Tensor rows;

  /** Hidden states {@code [S, C]} of a chunk that entered at {@code past}. */
  private record Chunk(Tensor x, int past) {}

  /**
   * Creates a view.
   *
   * @param promptTokens tokens of the prompt; the view is chosen when the last of them is fed
   */
  PrefixView(QuestionReducer reducer, PrefixKv prefix, int promptTokens) {
    this.reducer = reducer;
    this.prefix = prefix;
    this.kept = reducer.kept(prefix.visual().count());
    this.promptTokens = promptTokens;
  }

  VisibleTokens visible() {
    return new VisibleTokens(prefix.visual().count(), kept);
  }

  /** Whether the prompt, not only the answer, sees less than the prefix. */
  boolean narrowsPrompt() {
    return narrows() && !reducer.choosesEachStep();
  }

  /** The rows that this question sees from its layer on, once they are chosen; else none. */
  @Nullable Tensor rows() {
    return rows;
  }

  /** First layer, visual rows and how many of them are chosen at each step, as scripts take it. */
  long[] plan() {
    long[] span = prefix.visual().span();
    boolean each = narrows() && reducer.choosesEachStep();
    boolean any = rows != null || each;
    return new long[] {any ? reducer.layer() : reducer.layers(), span[0], span[1], each ? kept : 0};
  }

  /**
   * Feeds a chunk; the logits {@code [V]} of its last token, or null while the prompt goes on. A
   * chunk whose feeding failed may be fed again.
   */
  @Nullable Tensor prefill(QuestionViews views, int[] tokens, OwnKv own) {
    forgetFrom(own.length());
    try (TensorScope scope = new TensorScope()) {
      List<Tensor> below = views.below(tokens, own, reducer.layer());
      waiting.add(new Chunk(below.get(0), own.length()));
      Tensor q = scope.own(below.get(1));
      Tensor lse = scope.own(below.get(2));
      if (rows == null) {
        weigh(views, q, lse, own, tokens.length);
      }
    }
    if (own.length() + tokens.length < promptTokens) {
      return null;
    }
    if (rows == null) {
      rows = choose(views);
      forget(attention);
      forget(similarity);
    }
    return finish(views, own, rows);
  }

  @Override
  public void close() {
    forgetFrom(0);
    forget(attention);
    forget(similarity);
    if (rows != null) {
      rows.close();
      rows = null;
    }
  }

  /** Whether anything is left out at all. */
  boolean narrows() {
    return kept < prefix.visual().count();
  }

  private int last() {
    return reducer.layer() - 1;
  }

  /** Notes what a chunk makes of the visual tokens in the last layer that sees them all. */
  private void weigh(QuestionViews views, Tensor q, Tensor lse, OwnKv own, int count) {
    try (Tensor layer = views.layerOf(prefix, last())) {
      if (!reducer.merges()) {
        forget(attention);
        attention.add(paid(views, q, lse, layer, new int[] {count - 1, 1}));
        return;
      }
      long weights = (long) views.heads() * prefix.visual().count();
      int tile = (int) Math.max(1, TILE / weights);
      for (int at = 0; at < count; at += tile) {
        int[] range = {at, Math.min(tile, count - at)};
        attention.add(paid(views, q, lse, layer, range));
      }
      try (Tensor text = views.layerOf(own, last())) {
        similarity.add(views.alike(layer, prefix.visual(), text, own.length(), count));
      }
    }
  }

  /** The most attention that some of the queries pay to each visual token. */
  private Tensor paid(QuestionViews views, Tensor q, Tensor lse, Tensor layer, int[] range) {
    try (Tensor weights = views.paid(q, lse, layer, prefix.visual(), range)) {
      return views.largest(weights);
    }
  }

  private Tensor choose(QuestionViews views) {
    try (TensorScope scope = new TensorScope()) {
      Tensor scores = scope.own(scores(views));
      Tensor chosen = scope.own(views.highest(scores, kept));
      int first = reducer.layer() - views.layersBelow(prefix);
      if (!reducer.merges()) {
        Tensor staying = scope.own(views.staying(chosen, prefix));
        return views.picked(prefix.upper().only(), first, staying);
      }
      Tensor layer = scope.own(views.layerOf(prefix, last()));
      Tensor owner = scope.own(views.nearest(layer, prefix.visual(), chosen));
      List<Tensor> turn = views.turn(prefix.visual().positions(), chosen, owner);
      turn.forEach(scope::own);
      var joining = new QuestionViews.Joining(owner, kept, turn.get(0), turn.get(1));
      return views.merged(prefix.upper().only(), first, prefix.visual(), joining);
    }
  }

  private Tensor scores(QuestionViews views) {
    try (TensorScope scope = new TensorScope()) {
      Tensor paid = scope.own(views.most(attention));
      if (!reducer.merges()) {
        return paid.share();
      }
      Tensor alike = scope.own(views.most(similarity));
      return views.importance(paid, alike, USTC_LAMBDA);
    }
  }

  private Tensor finish(QuestionViews views, OwnKv own, Tensor seen) {
    int last = waiting.size() - 1;
    for (Chunk chunk : waiting.subList(0, last)) {
      views.above(chunk.x(), chunk.past(), seen, own).close();
    }
    Tensor logits = views.above(waiting.get(last).x(), waiting.get(last).past(), seen, own);
    forgetFrom(0);
    return logits;
  }

  /** Drops the waiting chunks from a token on. */
  private void forgetFrom(int past) {
    for (Chunk chunk : waiting) {
      if (chunk.past() >= past) {
        chunk.x().close();
      }
    }
    waiting.removeIf(chunk -> chunk.past() >= past);
  }

  private static void forget(List<Tensor> tensors) {
    tensors.forEach(Tensor::close);
    tensors.clear();
  }
}
