package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergeSpec.Tree;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;

class VariantKeyTest {
  private static final SamplingRule RULE = new SamplingRule(2, 1, 64, true);
  private static final MergeSpec HALF = MergeSpec.sttm("reference", 0.5);

  @Test
  void shouldTellApartWhatMakesADifferentPrefix() {
    List<VariantKey> keys =
        List.of(
            key("sha256:m", "f32", "t", "v", HALF, 2, RULE),
            key("sha256:n", "f32", "t", "v", HALF, 2, RULE),
            key("sha256:m", "bf16", "t", "v", HALF, 2, RULE),
            key("sha256:m", "f32", "u", "v", HALF, 2, RULE),
            key("sha256:m", "f32", "t", "w", HALF, 2, RULE),
            key("sha256:m", "f32", "tv", "", HALF, 2, RULE),
            key("sha256:m", "f32", "t", "v", HALF, 0, RULE),
            key("sha256:m", "f32", "t", "v", MergeSpec.sttm("strict", 0.5), 2, RULE),
            key("sha256:m", "f32", "t", "v", MergeSpec.sttm("reference", 0.3), 2, RULE),
            key("sha256:m", "f32", "t", "v", MergeSpec.none(), 2, RULE),
            key("sha256:m", "f32", "t", "v", at(0.8, 0.7), 2, RULE),
            key("sha256:m", "f32", "t", "v", HALF.with(new Tree(2, false, 0)), 2, RULE),
            key("sha256:m", "f32", "t", "v", HALF.with(new Tree(1, true, 0)), 2, RULE),
            key("sha256:m", "f32", "t", "v", HALF.with(new Tree(1, false, 8)), 2, RULE),
            key("sha256:m", "f32", "t", "v", at(0.7, 0.8), 2, RULE),
            key("sha256:m", "f32", "t", "v", HALF, 2, new SamplingRule(1, 1, 64, true)),
            key("sha256:m", "f32", "t", "v", HALF, 2, new SamplingRule(2, 2, 64, true)),
            key("sha256:m", "f32", "t", "v", HALF, 2, new SamplingRule(2, 1, 32, true)),
            key("sha256:m", "f32", "t", "v", HALF, 2, new SamplingRule(2, 1, 64, false)));
    assertThat(Set.copyOf(keys)).hasSameSizeAs(keys);
    assertThat(keys.stream().map(VariantKey::id).collect(Collectors.toSet())).hasSameSizeAs(keys);
    assertThat(keys).allMatch(key -> key.id().matches("var_[0-9a-hjkmnp-tv-z]{26}"));
  }

  @Test
  void shouldNotDependOnHowTokensAreSampled() {
    Question.Options greedy =
        new Question.Options(new PrefixSpec(HALF, 2), RULE, SamplingParams.greedy(), 4);
    Question.Options hot =
        new Question.Options(
            new PrefixSpec(HALF, 2), RULE, new SamplingParams(1, 0.9, 5, 1.1, 7, 3), 400);
    assertThat(VariantKey.of(model("sha256:m", "f32"), "t", "v", greedy))
        .isEqualTo(VariantKey.of(model("sha256:m", "f32"), "t", "v", hot));
  }

  @Test
  void shouldTellApartHowWeightsAreKept() {
    Question.Options options =
        new Question.Options(new PrefixSpec(HALF, 2), RULE, SamplingParams.greedy(), 4);
    ModelInfo int8 =
        new ModelInfo("m", "qwen2-vl", "sha256:m", "cpu", "f32", "int8", 4, 4096, 2, 8, 64);
    assertThat(VariantKey.of(int8, "t", "v", options))
        .isNotEqualTo(VariantKey.of(model("sha256:m", "f32"), "t", "v", options));
  }

  @Test
  void shouldBeTheSameWhateverOneQuestionSees() {
    Question.Options whole =
        new Question.Options(new PrefixSpec(HALF, 2), RULE, SamplingParams.greedy(), 4);
    Question.Options narrow =
        new Question.Options(
            whole.prefix(), RULE, whole.sampling(), 4, new QuestionReduction("fastv", 0.5, null));
    assertThat(VariantKey.of(model("sha256:m", "f32"), "t", "v", narrow))
        .isEqualTo(VariantKey.of(model("sha256:m", "f32"), "t", "v", whole));
  }

  @Test
  void shouldShareVisualTokensAmongReducersThatReadTheSame() {
    String sttm = key("sha256:m", "f32", "t", "v", HALF, 2, RULE).visualTokens();
    MergeSpec tome = MergeSpec.of("tome", "strict", 0.2);
    MergeSpec ustc = MergeSpec.of("ustc", "strict", 0.2);
    assertThat(key("sha256:m", "f32", "t", "v", tome, 0, RULE).visualTokens()).isEqualTo(sttm);
    assertThat(key("sha256:m", "f32", "t", "v", ustc, 2, RULE).visualTokens()).isNotEqualTo(sttm);
  }

  private static MergeSpec at(double spatial, double temporal) {
    return new MergeSpec("sttm", "reference", null, new MergeSpec.Thresholds(spatial, temporal));
  }

  private static VariantKey key(
      String digest,
      String dtype,
      String tenant,
      String video,
      MergeSpec merge,
      int layer,
      SamplingRule rule) {
    return VariantKey.of(
        model(digest, dtype),
        tenant,
        video,
        new Question.Options(new PrefixSpec(merge, layer), rule, SamplingParams.greedy(), 4));
  }

  private static ModelInfo model(String digest, String dtype) {
    return new ModelInfo("m", "qwen2-vl", digest, "cpu", dtype, "stored", 4, 4096, 2, 8, 64);
  }
}
