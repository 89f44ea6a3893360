package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.merging.MergeSpec;

class PublishedSttmTest {

  @ParameterizedTest
  @CsvSource({
    "llava-video, LLAVA_VIDEO_7B, .85, .55, .80, .50",
    "llava-onevision, LLAVA_VIDEO_7B, .85, .65, .85, .55",
    "qwen2-vl, QWEN2_VL_7B, .85, .60, .80, .60",
    "llava-video, LLAVA_VIDEO_72B, .94, .82, .90, .90"
  })
  void shouldHaveThePairsOfTheEvaluationScript(
      String family, BenchShape shape, double s50, double t50, double s30, double t30) {
    assertThat(PublishedSttm.of(family, shape.text()))
        .containsExactly(
            new PublishedSttm(0.5, new MergeSpec.Thresholds(s50, t50)),
            new PublishedSttm(0.3, new MergeSpec.Thresholds(s30, t30)));
  }

  @Test
  void shouldHaveNothingForModelsThatThePaperDoesNotEvaluate() {
    List<PublishedSttm> none = List.of();
    assertThat(PublishedSttm.of("qwen2-vl", BenchShape.QWEN2_VL_2B.text())).isEqualTo(none);
    assertThat(PublishedSttm.of("qwen2-vl", BenchShape.QWEN2_VL_72B.text())).isEqualTo(none);
    assertThat(PublishedSttm.of("qwen2.5-vl", BenchShape.QWEN25_VL_7B.text())).isEqualTo(none);
    assertThat(PublishedSttm.of("llava-onevision", BenchShape.LLAVA_ONEVISION_500M.text()))
        .isEqualTo(none);
  }
}
