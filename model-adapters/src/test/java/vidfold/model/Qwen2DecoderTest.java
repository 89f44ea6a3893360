package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * Invariants of the decoder that need no oracle: chunking, prefix sharing and batching change
 * nothing.
 */
class Qwen2DecoderTest {

  private static final Qwen2Config CONFIG =
      new Qwen2Config(48, 3, 6, 2, 80, 101, 1e-6, 10_000, List.of(1, 2, 1), false, 1024);

  private static Torch torch;
  private static WeightLoader loader;
  private static Qwen2Decoder decoder;

  @BeforeAll
  static void load() {
    torch = Torch.start(TorchConfig.cpuF32());
    loader = new WeightLoader(torch);
    decoder = random();
  }

  private static Qwen2Decoder random() {
    return new Qwen2Decoder(torch, CONFIG, (name, shape) -> loader.random(0.3, shape), "model.");
  }

  @AfterAll
  static void close() {
    decoder.close();
    loader.close();
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  @Test
  void shouldNotDependOnHowThePromptIsCut() {
    int[] tokens = {5, 17, 90, 3, 44, 60, 11, 2, 77, 31};
    float[] whole = logits(tokens, 0, 10);
    assertThat(logits(tokens, 0, 3)).usingComparatorWithPrecision(1e-4f).containsExactly(whole);
    assertThat(logits(tokens, 4, 6)).usingComparatorWithPrecision(1e-4f).containsExactly(whole);
    assertThat(logits(tokens, 7, 1)).usingComparatorWithPrecision(1e-4f).containsExactly(whole);
  }

  @Test
  void shouldDecodeABatchLikeEachAlone() {
    int[] tokens = {5, 17, 90, 3, 44, 60};
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope, tokens, 4);
      OwnKv a = open(scope, prefix);
      OwnKv b = open(scope, prefix);
      OwnKv alone = open(scope, prefix);
      feed(a, 7, 8);
      feed(b, 9, 10, 11);
      feed(alone, 9, 10, 11);
      try (Tensor both = decoder.decode(List.of(a, b), new int[] {20, 21});
          Tensor second = decoder.row(both, 1);
          Tensor one = decoder.decode(List.of(alone), new int[] {21})) {
        assertThat(second.toFloats())
            .usingComparatorWithPrecision(1e-4f)
            .containsExactly(one.toFloats());
      }
      a.close();
      b.close();
      alone.close();
    }
  }

  @Test
  void shouldDecodeOnDifferentPrefixesLikeEachAlone() {
    try (TensorScope scope = new TensorScope()) {
      PrefixKv first = prefix(scope, new int[] {5, 17, 90, 3, 44, 60}, 4);
      PrefixKv second = prefix(scope, new int[] {31, 2, 77}, 3);
      OwnKv a = open(scope, first);
      OwnKv b = open(scope, second);
      OwnKv alone = open(scope, second);
      feed(a, 7, 8);
      feed(b, 9, 10, 11);
      feed(alone, 9, 10, 11);
      try (Tensor both = decoder.decode(List.of(a, b), new int[] {20, 21});
          Tensor row = decoder.row(both, 1);
          Tensor one = decoder.decode(List.of(alone), new int[] {21})) {
        assertThat(row.toFloats())
            .usingComparatorWithPrecision(1e-4f)
            .containsExactly(one.toFloats());
      }
      a.close();
      b.close();
      alone.close();
    }
  }

  /** Five sequences on three prefixes, own tokens one after the other and all at once. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void shouldDecodeRunsOnPrefixesLikeEachAlone(int padded) {
    int[][] questions = {{7, 8}, {9, 10, 11}, {12}, {13, 14, 15, 16, 17, 18, 19, 20, 21}, {22, 23}};
    int[] next = {20, 21, 22, 23, 24};
    try (TensorScope scope = new TensorScope();
        Qwen2Decoder apart = random()) {
      PrefixKv a = prefix(scope, apart, new int[] {5, 17, 90, 3, 44, 60}, 4, 1);
      PrefixKv b = prefix(scope, apart, new int[] {31, 2, 77}, 3, 2);
      PrefixKv c = prefix(scope, apart, new int[] {1, 2, 3, 4, 5, 6, 7, 8}, 8, 0);
      List<PrefixKv> on = List.of(a, b, a, c, b);
      List<OwnKv> all = new ArrayList<>();
      List<float[]> alone = new ArrayList<>();
      for (int i = 0; i < next.length; i++) {
        OwnKv one = open(scope, on.get(i));
        one.fed(questions[i], apart.prefillQuestion(questions[i], one));
        try (Tensor logits = apart.decode(List.of(one), new int[] {next[i]})) {
          one.fed(new int[] {next[i]}, apart.row(logits, 0));
        }
        try (Tensor logits = apart.decode(List.of(one), new int[] {next[i] + 10})) {
          alone.add(logits.toFloats());
        }
        one.close();
        OwnKv together = open(scope, on.get(i));
        together.fed(questions[i], apart.prefillQuestion(questions[i], together));
        all.add(together);
      }
      int[] order = DecodeBatch.order(all);
      assertThat(order).containsExactly(0, 2, 1, 4, 3);
      List<OwnKv> batch = Arrays.stream(order).mapToObj(all::get).toList();
      int[] first = Arrays.stream(order).map(i -> next[i]).toArray();
      assertThat(DecodeBatch.of(batch, 3).plan())
          .containsExactly(2, 3, 0, 0, 0, 2, 3, 0, 0, 0, 1, 3, 0, 0, 0);
      apart.choose("padded", padded);
      try (Tensor logits = apart.decode(batch, first)) {
        for (int i = 0; i < order.length; i++) {
          batch.get(i).fed(new int[] {first[i]}, apart.row(logits, i));
        }
      }
      try (Tensor logits = apart.decode(batch, Arrays.stream(first).map(i -> i + 10).toArray())) {
        for (int i = 0; i < order.length; i++) {
          try (Tensor row = apart.row(logits, i)) {
            assertThat(row.toFloats())
                .usingComparatorWithPrecision(1e-4f)
                .containsExactly(alone.get(order[i]));
          }
        }
      }
      all.forEach(OwnKv::close);
    }
  }

  @Test
  void shouldDecodeLikePrefill() {
    int[] tokens = {5, 17, 90, 3, 44, 60};
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope, tokens, 3);
      OwnKv stepwise = open(scope, prefix);
      feed(stepwise, 7);
      for (int next : new int[] {8, 9, 10}) {
        try (Tensor out = decoder.decode(List.of(stepwise), new int[] {next})) {
          stepwise.fed(new int[] {next}, decoder.row(out, 0));
        }
      }
      OwnKv once = open(scope, prefix);
      feed(once, 7, 8, 9, 10);
      assertThat(stepwise.logits().toFloats())
          .usingComparatorWithPrecision(1e-4f)
          .containsExactly(once.logits().toFloats());
      stepwise.close();
      once.close();
    }
  }

  /** Logits after {@code tokens} when the first {@code cut} are the prefix, in chunks. */
  private static float[] logits(int[] tokens, int cut, int chunk) {
    try (TensorScope scope = new TensorScope()) {
      PrefixKv prefix = prefix(scope, java.util.Arrays.copyOf(tokens, cut), chunk);
      OwnKv own = open(scope, prefix);
      for (int at = cut; at < tokens.length; at += chunk) {
        feed(own, java.util.Arrays.copyOfRange(tokens, at, Math.min(tokens.length, at + chunk)));
      }
      float[] out = own.logits().toFloats();
      own.close();
      return out;
    }
  }

  private static PrefixKv prefix(TensorScope scope, int[] tokens, int chunk) {
    return prefix(scope, decoder, tokens, chunk, 1);
  }

  /** The prefix of these tokens, in two parts that meet at layer {@code low}. */
  private static PrefixKv prefix(
      TensorScope scope, Qwen2Decoder decoder, int[] tokens, int chunk, int low) {
    LayerKv lower = decoder.newCache(0, low, tokens.length).in(scope);
    LayerKv upper = decoder.newCache(low, CONFIG.layers(), tokens.length).in(scope);
    Positions all = Positions.text(0, tokens.length);
    for (int at = 0; at < tokens.length; at += chunk) {
      int to = Math.min(tokens.length, at + chunk);
      Tensor none = scope.own(torch.floats(new float[0], 0, CONFIG.hidden()));
      Tensor x =
          scope.own(decoder.join(java.util.Arrays.copyOfRange(tokens, at, to), none, new int[0]));
      Tensor mid = scope.own(decoder.prefillPrefix(x, all.slice(at, to), lower, at, false));
      scope.own(decoder.prefillPrefix(mid, all.slice(at, to), upper, at, true));
    }
    return new PrefixKv(lower, upper, tokens.length, tokens.length, tokens, new VisualRows(0, all));
  }

  private static OwnKv open(TensorScope scope, PrefixKv prefix) {
    return new OwnKv(
        prefix, decoder.newCache(0, CONFIG.layers(), 16), 16, 0, SamplingParams.greedy());
  }

  private static void feed(OwnKv own, int... tokens) {
    own.fed(tokens, decoder.prefillQuestion(tokens, own));
  }
}
