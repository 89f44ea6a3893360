package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import vidfold.merging.MergeSpec;

/** How a request and a configuration meet. */
class MergeDialsTest {
  @Test
  void shouldReduceOnRequestWhereEveryTokenIsKeptUsually() {
    MergeSpec usual = MergeSpec.none();

    assertThat(read("{}", usual)).isEqualTo(usual);
    assertThat(read("{'retention': 1}", usual)).isEqualTo(usual);
    assertThat(read("{'retention': 0.3}", usual)).isEqualTo(MergeSpec.sttm("reference", 0.3));
    assertThat(read("{'retention': 'auto'}", usual)).isEqualTo(MergeSpec.auto("sttm", "reference"));
    assertThat(read("{'reducer': 'tome'}", usual))
        .isEqualTo(MergeSpec.of("tome", "reference", 0.5));
  }

  @Test
  void shouldKeepTheConfiguredRetentionForAnotherReducer() {
    MergeSpec usual = MergeSpec.sttm("strict", 0.25);

    assertThat(read("{'reducer': 'uniform'}", usual))
        .isEqualTo(MergeSpec.of("uniform", "strict", 0.25));
    assertThat(read("{'reducer': 'none'}", usual))
        .isEqualTo(new MergeSpec("none", "strict", 1.0, null));
    assertThat(read("{'mode': 'reference'}", usual)).isEqualTo(MergeSpec.sttm("reference", 0.25));
    assertThat(read("{'reducer': 'tome'}", MergeSpec.auto("sttm", "strict")))
        .isEqualTo(MergeSpec.auto("tome", "strict"));
  }

  @Test
  void shouldKeepTheConfiguredThresholdsForTheirReducerOnly() {
    MergeSpec usual = new MergeSpec("sttm", "strict", null, new MergeSpec.Thresholds(0.9, 0.8));

    assertThat(read("{}", usual)).isEqualTo(usual);
    assertThat(read("{'retention': 0.4}", usual)).isEqualTo(MergeSpec.sttm("strict", 0.4));
    assertThat(read("{'reducer': 'temporal'}", usual))
        .isEqualTo(MergeSpec.of("temporal", "strict", 0.5));
  }

  @Test
  void shouldReadHowTreesAreBuilt() {
    MergeSpec usual = MergeSpec.sttm("strict", 0.25);

    assertThat(read("{'root_level': 2, 'weighted_average': true, 'head_dim': 64}", usual))
        .isEqualTo(usual.with(new MergeSpec.Tree(2, true, 64)));
    assertThat(read("{'weighted_average': false}", usual)).isEqualTo(usual);
    assertThat(read("{'reducer': 'octree', 'root_level': 0}", usual))
        .isEqualTo(MergeSpec.of("octree", "strict", 0.25).with(new MergeSpec.Tree(0, false, 0)));
    assertThat(read("{'retention': 0.4}", usual.with(new MergeSpec.Tree(2, true, 8))))
        .isEqualTo(MergeSpec.sttm("strict", 0.4).with(new MergeSpec.Tree(2, true, 8)));
    assertThat(read("{'reducer': 'tome'}", usual.with(new MergeSpec.Tree(2, true, 8))))
        .isEqualTo(MergeSpec.of("tome", "strict", 0.25));
  }

  @Test
  void shouldTakeUstcAtSmallRetentionWhereNobodyNamesAReducer() {
    MergeSpec usual = MergeSpec.sttm("reference", 0.5);
    MergeSpec small = MergeSpec.of("ustc", "reference", 0.1);

    assertThat(unnamed("{'retention': 0.1}", usual)).isEqualTo(small);
    assertThat(read("{'retention': 0.1}", MergeSpec.none())).isEqualTo(small);
    assertThat(unnamed("{'retention': 0.11}", usual)).isEqualTo(MergeSpec.sttm("reference", 0.11));
    assertThat(unnamed("{'retention': 'auto'}", usual))
        .isEqualTo(MergeSpec.auto("sttm", "reference"));
    assertThat(unnamed("{'retention': 0.02, 'reducer': 'sttm'}", usual))
        .isEqualTo(MergeSpec.sttm("reference", 0.02));
    assertThat(unnamed("{'retention': 0.02, 'head_dim': 4}", usual))
        .isEqualTo(MergeSpec.sttm("reference", 0.02).with(new MergeSpec.Tree(1, false, 4)));
    assertThat(read("{'retention': 0.02}", MergeSpec.of("tome", "strict", 0.5)))
        .isEqualTo(MergeSpec.of("tome", "strict", 0.02));
    assertThat(read("{'retention': 0.02}", usual)).isEqualTo(MergeSpec.sttm("reference", 0.02));
  }

  /** A configured retention of 0.05 makes ustc the usual reducer of that retention, of no other. */
  @Test
  void shouldLeaveUstcWithTheRetentionThatImpliedIt() {
    MergeSpec usual = MergeSpec.of("ustc", "reference", 0.05);

    assertThat(unnamed("{}", usual)).isEqualTo(usual);
    assertThat(unnamed("{'retention': 0.5}", usual)).isEqualTo(MergeSpec.sttm("reference", 0.5));
    assertThat(unnamed("{'retention': 'auto'}", usual))
        .isEqualTo(MergeSpec.auto("sttm", "reference"));
    assertThat(unnamed("{'root_level': 2}", usual))
        .isEqualTo(MergeSpec.sttm("reference", 0.05).with(new MergeSpec.Tree(2, false, 0)));
    assertThat(unnamed("{'thresholds': {'spatial': 0.9, 'temporal': 0.8}}", usual))
        .isEqualTo(new MergeSpec("sttm", "reference", null, new MergeSpec.Thresholds(0.9, 0.8)));
    assertThat(read("{'retention': 0.5}", usual)).isEqualTo(MergeSpec.of("ustc", "reference", 0.5));
  }

  private static MergeSpec read(String json, MergeSpec usual) {
    return read(json, usual, /* usualNamed= */ true);
  }

  private static MergeSpec unnamed(String json, MergeSpec usual) {
    return read(json, usual, /* usualNamed= */ false);
  }

  private static MergeSpec read(String json, MergeSpec usual, boolean usualNamed) {
    byte[] bytes = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return MergeDials.read(JsonBody.read(bytes, AnswerDials.FIELDS), usual, usualNamed);
  }
}
