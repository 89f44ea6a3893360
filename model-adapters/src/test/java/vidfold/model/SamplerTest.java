package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

class SamplerTest {

  private static final float[] LOGITS = {1f, 3f, 2f, -1f, 2.5f};

  private static Torch torch;
  private static Sampler sampler;

  @BeforeAll
  static void start() {
    torch = Torch.start(TorchConfig.cpuF32());
    sampler = new Sampler(torch);
  }

  @AfterAll
  static void stop() {
    sampler.close();
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  @Test
  void shouldTakeTheBestTokenWhenGreedy() {
    TokenChoice choice = draw(params(0, 1, 0, 1, 7, 3), 1).keySet().iterator().next();
    double total = 0;
    for (float logit : LOGITS) {
      total += Math.exp(logit);
    }
    assertThat(choice.token()).isEqualTo(1);
    assertThat(choice.logprob()).isCloseTo((float) Math.log(Math.exp(3) / total), within(1e-5f));
    assertThat(choice.top()).extracting(TokenChoice.Alternative::token).containsExactly(1, 4, 2);
    assertThat(choice.top().get(0).logprob()).isEqualTo(choice.logprob());
  }

  @Test
  void shouldChooseForAWholeBatchWhatItChoosesForEach() {
    float[] rows = {1f, 3f, 2f, -1f, 2.5f, 0f, 0f, 4f, 4f, -2f};
    try (Tensor logits = torch.floats(rows, 2, LOGITS.length)) {
      List<TokenChoice> both = sampler.mostLikely(logits);
      TokenChoice alone = draw(params(0, 1, 0, 1, 7, 0), 1).keySet().iterator().next();
      assertThat(both).hasSize(2);
      assertThat(both.get(0)).isEqualTo(alone);
      assertThat(both.get(1).token()).isEqualTo(2);
      double total = 2 + 2 * Math.exp(4) + Math.exp(-2);
      assertThat(both.get(1).logprob())
          .isCloseTo((float) Math.log(Math.exp(4) / total), within(1e-5f));
    }
  }

  @Test
  void shouldFollowTheDistributionAtATemperature() {
    Map<Integer, Integer> counts = tokens(params(1, 1, 0, 1, 11, 0), 4000);
    double total = 0;
    for (float logit : LOGITS) {
      total += Math.exp(logit);
    }
    for (int token = 0; token < LOGITS.length; token++) {
      double expected = 4000 * Math.exp(LOGITS[token]) / total;
      assertThat((double) counts.getOrDefault(token, 0))
          .as("token %d", token)
          .isCloseTo(expected, within(5 * Math.sqrt(expected) + 3));
    }
  }

  @Test
  void shouldDrawOnlyAmongTheTopK() {
    assertThat(tokens(params(2, 1, 2, 1, 3, 0), 300).keySet()).containsExactlyInAnyOrder(1, 4);
  }

  @Test
  void shouldDrawOnlyFromTheNucleus() {
    // Probabilities in order: .49, .30, .18, .07, .01 of tokens 1, 4, 2, 0, 3.
    assertThat(tokens(params(1, 0.6, 0, 1, 3, 0), 300).keySet()).containsExactlyInAnyOrder(1, 4);
    assertThat(tokens(params(1, 0.01, 0, 1, 3, 0), 50).keySet()).containsExactly(1);
  }

  @Test
  void shouldRepeatADrawForTheSameSeed() {
    assertThat(sequence(params(1.5, 1, 0, 1, 42, 0)))
        .isEqualTo(sequence(params(1.5, 1, 0, 1, 42, 0)));
    assertThat(sequence(params(1.5, 1, 0, 1, 42, 0)))
        .isNotEqualTo(sequence(params(1.5, 1, 0, 1, 43, 0)));
  }

  @Test
  void shouldPenaliseTokensAlreadySeen() {
    // Token 1 is in the prompt: 3 / 2 = 1.5 falls behind token 4 with 2.5.
    try (OwnKv own = open(params(0, 1, 0, 2, 0, 0), 1, 1)) {
      assertThat(sampler.sample(own).token()).isEqualTo(4);
    }
  }

  @Test
  void shouldRefuseParametersOutOfRange() {
    assertThatThrownBy(() -> params(3, 1, 0, 1, 0, 0))
        .hasMessage("temperature must be in [0, 2] but was 3.0");
    assertThatThrownBy(() -> params(1, 0, 0, 1, 0, 0))
        .hasMessage("top_p must be in (0, 1] but was 0.0");
    assertThatThrownBy(() -> params(1, 1, -1, 1, 0, 0)).hasMessageContaining("top_k");
    assertThatThrownBy(() -> params(1, 1, 0, 0, 0, 0)).hasMessageContaining("repetition_penalty");
    assertThatThrownBy(() -> params(1, 1, 0, 1, 0, 21)).hasMessageContaining("logprobs");
  }

  private static SamplingParams params(
      double temperature, double topP, int topK, double penalty, long seed, int top) {
    return new SamplingParams(temperature, topP, topK, penalty, seed, top);
  }

  private static String sequence(SamplingParams params) {
    StringBuilder out = new StringBuilder();
    try (OwnKv own = open(params)) {
      for (int i = 0; i < 40; i++) {
        out.append(sampler.sample(own).token());
      }
    }
    return out.toString();
  }

  private static Map<Integer, Integer> tokens(SamplingParams params, int draws) {
    Map<Integer, Integer> counts = new HashMap<>();
    draw(params, draws).forEach((choice, n) -> counts.merge(choice.token(), n, Integer::sum));
    return counts;
  }

  private static Map<TokenChoice, Integer> draw(SamplingParams params, int draws) {
    Map<TokenChoice, Integer> counts = new HashMap<>();
    try (OwnKv own = open(params)) {
      for (int i = 0; i < draws; i++) {
        counts.merge(sampler.sample(own), 1, Integer::sum);
      }
    }
    return counts;
  }

  private static OwnKv open(SamplingParams params, int... prompt) {
    LayerKv none = new LayerKv(0, List.of());
    PrefixKv prefix =
        new PrefixKv(none, none, 0, 0, prompt, new VisualRows(0, Positions.text(0, 0)));
    OwnKv own = new OwnKv(prefix, none, 4, 0, params);
    own.fed(new int[0], torch.floats(LOGITS, LOGITS.length));
    return own;
  }
}
