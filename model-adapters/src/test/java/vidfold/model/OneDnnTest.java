package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.List;
import org.junit.jupiter.api.Test;
import vidfold.torch.Script;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

class OneDnnTest {

  /** Where libtorch has no oneDNN, every script must still load. */
  @Test
  void shouldNotNeedIt() {
    List<Script> users =
        Script.all().stream().filter(script -> !script.withoutOneDnn().equals(script)).toList();
    assertThat(users).extracting(Script::file).contains("qwen2_decoder.py", "siglip_vision.py");
    try (Torch torch = Torch.start(TorchConfig.cpuF32())) {
      for (Script script : users) {
        Script plain = script.withoutOneDnn();
        assertThat(plain.source() + plain.libraries()).doesNotContain("ops.mkldnn");
        assertThatCode(() -> torch.module(plain).close())
            .as(script.file())
            .doesNotThrowAnyException();
      }
    }
  }
}
