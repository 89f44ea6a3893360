package vidfold.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ScriptTest {

  private static final String SOURCE =
      """
      class Sample(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def product(self: __torch__.Sample, x: Tensor, w: Tensor, bias: Optional[Tensor]) -> Tensor:
          if torch.gt(torch.size(x, 0), 1):
            out = ops.mkldnn._linear_pointwise(x, w, bias, "none", annotate(List[Optional[number]], []), "")
          else:
            out = torch.linear(x, w, bias)
          return out
      """;

  private final Script script = new Script("sample.py", SOURCE, Map.of());

  @Test
  void shouldComputeTheSameWithoutOneDnn() {
    Script plain = script.withoutOneDnn();
    assertThat(plain.source())
        .doesNotContain("mkldnn")
        .contains("out = torch.linear(x, w, bias)\n    else");
    try (Torch torch = Torch.start(TorchConfig.cpuF32());
        TorchModule with = torch.module("Sample", script.source());
        TorchModule without = torch.module("Sample", plain.source());
        TensorScope scope = new TensorScope()) {
      Tensor x = scope.own(torch.floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
      Tensor w = scope.own(torch.floats(new float[] {1, 0, 2, 0, 3, 1}, 2, 3));
      Tensor bias = scope.own(torch.floats(new float[] {10, 20}, 2));
      assertThat(scope.own(with.callTensor("product", x, w, bias)).toFloats())
          .containsExactly(17, 29, 26, 41);
      assertThat(scope.own(without.callTensor("product", x, w, bias)).toFloats())
          .containsExactly(17, 29, 26, 41);
    }
  }

  @Test
  void shouldStayAsItIsWhereItNamesNone() {
    Script tensors = Script.of("tensors.py");
    assertThat(tensors.withoutOneDnn()).isEqualTo(tensors);
  }
}
