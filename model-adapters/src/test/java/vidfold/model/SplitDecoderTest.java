package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.model.PlacementPlan.Share;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** A decoder whose layers are shared out gives, bit for bit, what one on one device gives. */
class SplitDecoderTest {

  private static final Qwen2Config CONFIG =
      new Qwen2Config(48, 5, 6, 2, 80, 101, 1e-6, 10_000, List.of(1, 2, 1), false, 1024);
  private static final int[] TOKENS = {5, 17, 90, 3, 44, 60, 11, 2, 77, 31};

  private static Torch torch;
  private static WeightLoader loader;
  private static Map<String, Tensor> weights;
  private static Qwen2Decoder whole;

  /** What a decoder made of the same tokens. */
  private record Outcome(float[] hidden, float[] question, float[] decoded) {}

  @BeforeAll
  static void load() {
    torch = Torch.start(TorchConfig.cpuF32());
    loader = new WeightLoader(torch);
    weights = new HashMap<>();
    whole = decoder(DecoderLayout.stored(torch, CONFIG));
  }

  @AfterAll
  static void close() {
    whole.close();
    loader.close();
    weights.values().forEach(Tensor::close);
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  /** Merge layers below, at and above the places where shares end. */
  @ParameterizedTest
  @CsvSource({"0, 2", "1, 2", "2, 2", "3, 2", "4, 1", "0, 4"})
  void shouldGiveTheSameBits(int mergeLayer, int firstShare) {
    PlacementPlan plan =
        new PlacementPlan(
            List.of(
                new Share("cpu", 0, firstShare),
                new Share("cpu", firstShare, CONFIG.layers() - firstShare)));
    assertSame(run(whole, mergeLayer), plan, mergeLayer);
  }

  @Test
  void shouldGiveTheSameBitsFromThreeShares() {
    PlacementPlan plan =
        new PlacementPlan(
            List.of(new Share("cpu", 0, 1), new Share("cpu", 1, 3), new Share("cpu", 4, 1)));
    assertSame(run(whole, 2), plan, 2);
  }

  @Test
  void shouldKeepKvWithItsLayers() {
    PlacementPlan plan = new PlacementPlan(List.of(new Share("cpu", 0, 2), new Share("cpu", 2, 3)));
    try (Qwen2Decoder split = decoder(new DecoderLayout(WeightFormat.STORED, plan));
        LayerKv all = split.newCache(0, 5, 7);
        LayerKv upper = split.newCache(3, 5, 7)) {
      assertThat(all.parts()).extracting(part -> part.shape()[0]).containsExactly(2L, 3L);
      assertThat(upper.parts()).extracting(part -> part.shape()[0]).containsExactly(0L, 2L);
      assertThatThrownBy(upper::only).hasMessageContaining("one device");
    }
  }

  private static void assertSame(Outcome expected, PlacementPlan plan, int mergeLayer) {
    try (Qwen2Decoder split = decoder(new DecoderLayout(WeightFormat.STORED, plan))) {
      Outcome found = run(split, mergeLayer);
      assertThat(found.hidden()).isEqualTo(expected.hidden());
      assertThat(found.question()).isEqualTo(expected.question());
      assertThat(found.decoded()).isEqualTo(expected.decoded());
    }
  }

  /** A prefix in two chunks, two questions on it, and a step of both. */
  private static Outcome run(Qwen2Decoder decoder, int mergeLayer) {
    int layers = CONFIG.layers();
    int n = TOKENS.length;
    try (TensorScope scope = new TensorScope()) {
      LayerKv lower = decoder.newCache(0, mergeLayer, mergeLayer == 0 ? 0 : n).in(scope);
      LayerKv upper = decoder.newCache(mergeLayer, layers, n).in(scope);
      Tensor none = scope.own(torch.floats(new float[0], 0, CONFIG.hidden()));
      Tensor x = scope.own(decoder.join(TOKENS, none, new int[0]));
      Positions all = Positions.text(0, n);
      Tensor last = x;
      for (int at = 0; at < n; at += 6) {
        int count = Math.min(6, n - at);
        Positions ids = all.slice(at, at + count);
        Tensor mid = scope.own(decoder.rows(x, at, count));
        if (mergeLayer > 0) {
          mid = scope.own(decoder.prefillPrefix(mid, ids, lower, at, false));
        }
        last = scope.own(decoder.prefillPrefix(mid, ids, upper, at, false));
      }
      PrefixKv prefix =
          new PrefixKv(lower, upper, n, n, TOKENS, new VisualRows(0, Positions.text(0, n)));
      LayerKv firstKv = decoder.newCache(0, layers, 8);
      LayerKv secondKv = decoder.newCache(0, layers, 8);
      try (OwnKv first = new OwnKv(prefix, firstKv, 8, 0, SamplingParams.greedy());
          OwnKv second = new OwnKv(prefix, secondKv, 8, 0, SamplingParams.greedy())) {
        first.fed(new int[] {7, 8}, decoder.prefillQuestion(new int[] {7, 8}, first));
        second.fed(new int[] {9}, decoder.prefillQuestion(new int[] {9}, second));
        Tensor step = scope.own(decoder.decode(List.of(first, second), new int[] {20, 21}));
        return new Outcome(last.toFloats(), first.logits().toFloats(), step.toFloats());
      }
    }
  }

  private static Qwen2Decoder decoder(DecoderLayout layout) {
    Weights same =
        (name, shape) -> weights.computeIfAbsent(name, key -> loader.random(0.3, shape)).share();
    return new Qwen2Decoder(torch, CONFIG, same, "model.", layout);
  }
}
