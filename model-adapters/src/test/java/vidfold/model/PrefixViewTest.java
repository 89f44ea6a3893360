package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** Per-question reducers: cases worked out on paper, and a slow twin over a random decoder. */
class PrefixViewTest {

  private static final Qwen2Config CONFIG =
      new Qwen2Config(48, 5, 6, 2, 80, 101, 1e-6, 10_000, List.of(1, 2, 1), false, 1024);

  private static final int TEXT_BEFORE = 3;
  private static final int MERGE_LAYER = 1;
  private static final int[] PROMPT = {7, 21, 90, 3, 44, 60, 11};

  private static Torch torch;
  private static WeightLoader loader;
  private static Qwen2Decoder decoder;
  private static PlainQwen2 plain;

  @BeforeAll
  static void load() {
    torch = Torch.start(TorchConfig.cpuF32());
    loader = new WeightLoader(torch);
    plain = new PlainQwen2(CONFIG);
    Weights random = (name, shape) -> loader.random(0.3, shape);
    decoder = new Qwen2Decoder(torch, CONFIG, plain.noting(random), "model.");
  }

  @AfterAll
  static void close() {
    decoder.close();
    loader.close();
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  @ParameterizedTest
  @CsvSource({
    "fastv, 2, 0.4, 7",
    "fastv, 3, 0.25, 3",
    "fastv, 4, 0.9, 2",
    "ustc, 2, 0.5, 7",
    "ustc, 3, 0.3, 3",
    "ustc, 4, 0.08, 1",
    "dycoke, 2, 0.2, 7",
    "dycoke, 3, 0.5, 3",
    "framefusion, 2, 0.6, 7",
    "framefusion, 3, 0.7, 2"
  })
  void shouldAnswerLikeItsTwin(String name, int layer, double retention, int chunk) {
    QuestionReducer reducer = new QuestionReducer(name, retention, layer, CONFIG.layers());
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope);
      float[] lower = prefix.lower().only().toFloats();
      float[] upper = prefix.upper().only().toFloats();
      plain.open(prefix);
      try (OwnKv own = open(prefix, reducer)) {
        feed(own, chunk);
        assertClose(own.logits().toFloats(), plain.prompt(PROMPT, reducer));
        for (int token : new int[] {20, 50, 5}) {
          step(own, token);
          assertClose(own.logits().toFloats(), plain.step(token, reducer));
          assertThat(plain.kept).hasSize(reducer.kept(prefix.visual().count()));
        }
      }
      assertThat(prefix.lower().only().toFloats()).containsExactly(lower);
      assertThat(prefix.upper().only().toFloats()).containsExactly(upper);
    }
  }

  /** One with a view, one that chooses at each step and one without, in one batch. */
  @Test
  void shouldDecodeABatchLikeEachAlone() {
    QuestionReducer[] reducers = {
      new QuestionReducer("ustc", 0.3, 3, 5), new QuestionReducer("dycoke", 0.2, 2, 5), null
    };
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope);
      OwnKv[] all = Arrays.stream(reducers).map(r -> open(prefix, r)).toArray(OwnKv[]::new);
      for (OwnKv own : all) {
        feed(own, 4);
      }
      try (Tensor logits = decoder.decode(List.of(all), new int[] {9, 9, 9})) {
        for (int b = 0; b < all.length; b++) {
          plain.open(prefix);
          plain.prompt(PROMPT, reducers[b]);
          assertClose(scope.own(decoder.row(logits, b)).toFloats(), plain.step(9, reducers[b]));
        }
      }
      for (OwnKv own : all) {
        own.close();
      }
    }
  }

  /** The whole video in sight is the prefix itself, so every bit is the same. */
  @ParameterizedTest
  @CsvSource({"fastv", "ustc", "dycoke", "framefusion"})
  void shouldSeeEverythingAtARetentionOfOne(String name) {
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope);
      try (OwnKv whole = open(prefix, null);
          OwnKv seen = open(prefix, new QuestionReducer(name, 1, 2, 5))) {
        feed(whole, 7);
        feed(seen, 7);
        step(whole, 20);
        step(seen, 20);
        assertThat(seen.logits().toFloats()).containsExactly(whole.logits().toFloats());
        assertThat(seen.visible()).isEqualTo(new VisibleTokens(12, 12));
        assertThat(whole.visible()).isNull();
      }
    }
  }

  /** DyCoke's second stage works on answers: the prompt, and so the first token, sees all. */
  @Test
  void shouldLeaveThePromptToTheWholePrefixForDycoke() {
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope);
      try (OwnKv whole = open(prefix, null);
          OwnKv seen = open(prefix, new QuestionReducer("dycoke", 0.2, 2, 5))) {
        feed(whole, 7);
        feed(seen, 7);
        assertThat(seen.logits().toFloats()).containsExactly(whole.logits().toFloats());
        step(whole, 20);
        step(seen, 20);
        assertThat(seen.logits().toFloats()).isNotEqualTo(whole.logits().toFloats());
      }
    }
  }

  @Test
  void shouldFreeWhatAnUnfinishedPromptHolds() {
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope);
      long before = torch.liveTensors();
      for (String name : List.of("fastv", "ustc", "dycoke", "framefusion")) {
        OwnKv own = open(prefix, new QuestionReducer(name, 0.7, 3, 5));
        int[] part = Arrays.copyOf(PROMPT, 4);
        own.fed(part, prefill(own, part));
        own.close();
        assertThat(torch.liveTensors()).as(name).isEqualTo(before);
      }
    }
  }

  /** A device that is full fails a chunk; it is fed again when there is room. */
  @ParameterizedTest
  @CsvSource({"fastv", "ustc"})
  void shouldTakeAChunkAgain(String name) {
    QuestionReducer reducer = new QuestionReducer(name, 0.4, 3, 5);
    int[] first = Arrays.copyOf(PROMPT, 4);
    int[] rest = Arrays.copyOfRange(PROMPT, 4, 7);
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope);
      try (OwnKv once = open(prefix, reducer);
          OwnKv again = open(prefix, reducer)) {
        once.fed(first, prefill(once, first));
        once.fed(rest, prefill(once, rest));
        assertThat(prefill(again, first)).isNull();
        again.fed(first, prefill(again, first));
        prefill(again, rest).close();
        again.fed(rest, prefill(again, rest));
        assertThat(again.logits().toFloats()).containsExactly(once.logits().toFloats());
      }
    }
  }

  /**
   * One head of four channels; the query is (2, 0, 0, 0), so the score of a key is its first
   * channel. The keys of a text row and three visual ones have exp(score) 2, 1, 2, 3; with one own
   * row of 0 the sum is 2 + 1 + 2 + 3 + 0 = 8, and the visual rows are paid 1/8, 2/8 and 3/8.
   */
  @Test
  void shouldCountAttentionAsTheWholeSoftmaxDoes() {
    float[] keys = new float[4 * 4];
    keys[0] = (float) Math.log(2);
    keys[8] = (float) Math.log(2);
    keys[12] = (float) Math.log(3);
    try (TensorScope scope = new TensorScope()) {
      Tensor q = scope.own(torch.floats(new float[] {2, 0, 0, 0}, 1, 1, 4));
      Tensor lse = scope.own(torch.floats(new float[] {(float) Math.log(8)}, 1, 1, 1));
      Tensor kv = scope.own(torch.floats(Arrays.copyOf(keys, 32), 2, 1, 4, 4));
      VisualRows visual = new VisualRows(1, Positions.text(1, 3));
      Tensor paid = scope.own(decoder.views().paid(q, lse, kv, visual, new int[] {0, 1}));
      assertThat(paid.shape()).containsExactly(1, 3);
      assertThat(paid.toFloats())
          .usingComparatorWithPrecision(1e-6f)
          .containsExactly(0.125f, 0.25f, 0.375f);
      Tensor row = scope.own(decoder.row(paid, 0));
      assertThat(scope.own(decoder.views().highest(row, 2)).toInts()).containsExactly(1, 2);
    }
  }

  /**
   * Attention (1, 3, 2, 1) is (0, 1, 0.5, 0) of its range, similarity (0.8, 0, 0.4, 0) is (1, 0,
   * 0.5, 0) of its: the means are 0.5, 0.5, 0.5 and 0. Two of the equal three are kept: the
   * earlier.
   */
  @Test
  void shouldWeighAttentionAndSimilarityInTheirRanges() {
    try (TensorScope scope = new TensorScope()) {
      Tensor attention = scope.own(torch.floats(new float[] {1, 3, 2, 1}, 4));
      Tensor similarity = scope.own(torch.floats(new float[] {0.8f, 0, 0.4f, 0}, 4));
      Tensor scores = scope.own(decoder.views().importance(attention, similarity, 0.5));
      assertThat(scores.toFloats())
          .usingComparatorWithPrecision(1e-6f)
          .containsExactly(0.5f, 0.5f, 0.5f, 0);
      assertThat(scope.own(decoder.views().highest(scores, 2)).toInts()).containsExactly(0, 1);
      Tensor flat = scope.own(torch.floats(new float[] {2, 2}, 2));
      assertThat(scope.own(decoder.views().importance(flat, flat, 0.5)).toFloats())
          .containsExactly(0, 0);
    }
  }

  /**
   * One head of two channels, one text row (9, 9) and three visual ones, of which the first and the
   * last are kept. The second's value (1, 0.1) is nearest to the first's (2, 0), not the last's (0,
   * 1), so they merge: values to (1.5, 0.05). Keys are (1, 0) each; the second's is a quarter turn
   * away from the first's, so it counts as (0, 1), and the mean is (0.5, 0.5).
   */
  @Test
  void shouldMergeInTheFrameOfTheKeptToken() {
    float[] keys = {9, 9, 1, 0, 1, 0, 1, 0};
    float[] values = {9, 9, 2, 0, 1, 0.1f, 0, 1};
    float[] both = Arrays.copyOf(keys, 16);
    System.arraycopy(values, 0, both, 8, 8);
    VisualRows visual = new VisualRows(1, Positions.text(1, 3));
    try (TensorScope scope = new TensorScope()) {
      Tensor layer = scope.own(torch.floats(both, 2, 1, 4, 2));
      Tensor upper = scope.own(torch.floats(both, 1, 2, 1, 4, 2));
      Tensor kept = scope.own(torch.longs(new long[] {0, 2}, 2));
      Tensor owner = scope.own(decoder.views().nearest(layer, visual, kept));
      assertThat(owner.toInts()).containsExactly(0, 0, 1);
      Tensor cos = scope.own(torch.floats(new float[] {1, 1, 0, 0, 1, 1}, 3, 2));
      Tensor sin = scope.own(torch.floats(new float[] {0, 0, -1, 1, 0, 0}, 3, 2));
      var joining = new QuestionViews.Joining(owner, 2, cos, sin);
      Tensor merged = scope.own(decoder.views().merged(upper, 0, visual, joining));
      assertThat(merged.shape()).containsExactly(1, 2, 1, 3, 2);
      assertThat(merged.toFloats())
          .usingComparatorWithPrecision(1e-6f)
          .containsExactly(9, 9, 0.5f, 0.5f, 1, 0, 9, 9, 1.5f, 0.05f, 0, 1);
      Tensor rows = scope.own(decoder.views().picked(upper, 0, kept));
      assertThat(rows.toFloats()).containsExactly(9, 9, 1, 0, 9, 9, 1, 0.1f);
    }
  }

  private static void assertClose(float[] found, double[] expected) {
    float[] narrow = new float[expected.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) expected[i];
    }
    Oracles.assertClose(found, narrow, 2e-4f);
  }

  private static OwnKv open(
      PrefixKv prefix, @org.jspecify.annotations.Nullable QuestionReducer reducer) {
    LayerKv kv = decoder.newCache(0, CONFIG.layers(), 16);
    return new OwnKv(
        new OwnKv.Cache(prefix, kv, 16, 0),
        SamplingParams.greedy(),
        reducer == null ? null : new PrefixView(reducer, prefix, PROMPT.length));
  }

  private static void feed(OwnKv own, int chunk) {
    for (int at = 0; at < PROMPT.length; at += chunk) {
      int[] part = Arrays.copyOfRange(PROMPT, at, Math.min(PROMPT.length, at + chunk));
      own.fed(part, prefill(own, part));
    }
  }

  private static @org.jspecify.annotations.Nullable Tensor prefill(OwnKv own, int[] part) {
    PrefixView view = own.view();
    return view == null || !view.narrowsPrompt()
        ? decoder.prefillQuestion(part, own)
        : view.prefill(decoder.views(), part, own);
  }

  private static void step(OwnKv own, int token) {
    try (Tensor logits = decoder.decode(List.of(own), new int[] {token})) {
      own.fed(new int[] {token}, decoder.row(logits, 0));
    }
  }

  /** Text, 2 x 2 x 3 visual tokens on three axes, text; in the upper layers as in the lower. */
  private static PrefixKv prefix(TensorScope scope) {
    int[] before = {5, 17, 90};
    int[] after = {3, 44};
    Positions video = Positions.video(TEXT_BEFORE, new long[] {0, 1}, 2, 3);
    Positions all = Positions.text(0, TEXT_BEFORE).then(video);
    all = all.then(Positions.text(all.next(), after.length));
    Tensor visual = scope.own(loader.random(0.5, video.size(), CONFIG.hidden()));
    Tensor x = scope.own(decoder.join(before, visual, after));
    LayerKv lower = decoder.newCache(0, MERGE_LAYER, all.size()).in(scope);
    LayerKv upper = decoder.newCache(MERGE_LAYER, CONFIG.layers(), all.size()).in(scope);
    Tensor mid = scope.own(decoder.prefillPrefix(x, all, lower, 0, false));
    scope.own(decoder.prefillPrefix(mid, all, upper, 0, true));
    VisualRows rows = new VisualRows(TEXT_BEFORE, video);
    return new PrefixKv(lower, upper, all.next(), all.next(), new int[0], rows);
  }
}
