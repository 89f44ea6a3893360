package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The published code's results (HYUNJS/STTM at 00736c7), by the kernel and by its plain twin. */
class SttmGoldenTest {

  private static MergeRig rig;

  @BeforeAll
  static void start() {
    rig = new MergeRig();
  }

  @AfterAll
  static void stop() {
    rig.close();
  }

  static Stream<Golden> goldens() {
    return Golden.sttm();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void shouldReproducePublishedCode(Golden golden) {
    MergeSpec.Thresholds thresholds = golden.thresholds();
    MergeRig.Outcome outcome =
        rig.merge(golden.video(), golden.options(), thresholds.spatial(), thresholds.temporal());

    assertThat(outcome.tokens().boxes()).isEqualTo(golden.boxes());
    assertThat(outcome.tokens().patchCount()).isEqualTo(golden.patchCount());
    assertThat(outcome.values()).hasSameSizeAs(golden.merged());
    for (int i = 0; i < golden.merged().length; i++) {
      assertThat(outcome.values()[i]).isCloseTo(golden.merged()[i], within(1e-4f));
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void shouldReproducePublishedCodePlainly(Golden golden) {
    PlainSttm.Result result =
        PlainSttm.merge(golden.video(), golden.options(), golden.thresholds());

    assertThat(result.boxes()).isEqualTo(golden.boxes());
    assertThat(result.patchCount()).isEqualTo(golden.patchCount());
    int c = golden.video().c();
    for (int i = 0; i < golden.merged().length; i++) {
      assertThat(result.values()[i / c][i % c]).isCloseTo(golden.merged()[i], within(1e-4));
    }
  }
}
