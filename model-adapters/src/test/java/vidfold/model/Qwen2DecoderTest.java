package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
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
    Weights random = (name, shape) -> loader.random(0.3, shape);
    decoder = new Qwen2Decoder(torch, CONFIG, random, "model.");
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
    int low = 1;
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
