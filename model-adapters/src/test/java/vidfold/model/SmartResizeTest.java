package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class SmartResizeTest {

  @Test
  void shouldAgreeWithTransformersOnEveryCase() throws Exception {
    JsonNode root =
        new ObjectMapper()
            .readTree(
                Path.of("src/test/resources/oracle/qwen2vl/cases/smart_resize.json").toFile());
    JsonNode cases = root.isArray() ? root : root.elements().next();
    int checked = 0;
    for (JsonNode c : cases) {
      SmartResize resize =
          new SmartResize(c.get("factor").asInt(), c.get("min").asLong(), c.get("max").asLong());
      int height = c.get("height").asInt();
      int width = c.get("width").asInt();
      if (c.has("error")) {
        assertThatThrownBy(() -> resize.of(width, height))
            .as("%s", c)
            .isInstanceOf(IllegalArgumentException.class);
      } else {
        assertThat(resize.of(width, height))
            .as("%s", c)
            .isEqualTo(new FrameSize(c.get("w").asInt(), c.get("h").asInt()));
      }
      checked++;
    }
    assertThat(checked).isGreaterThan(50);
  }

  @Test
  void shouldLowerTheFrameSizeOfLongClips() {
    Qwen2VlConfig config = BenchShape.QWEN2_VL_7B.config(1, 1);
    // The published cap: 90,316,800 pixels over the clip's temporal steps, never below 1.05 x the
    // least.
    FrameSize few = config.frameSize(64, 1920, 1080);
    FrameSize many = config.frameSize(360, 1920, 1080);
    assertThat((long) few.width() * few.height()).isLessThanOrEqualTo(768L * 784);
    assertThat((long) many.width() * many.height()).isLessThanOrEqualTo(90_316_800L * 2 / 360);
    assertThat(many.width()).isLessThan(few.width());
    assertThat(List.of(few.width() % 28, few.height() % 28)).containsOnly(0);
  }
}
