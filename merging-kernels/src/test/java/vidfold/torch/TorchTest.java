package vidfold.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TorchTest {

  private static final String SOURCE =
      """
      class Sample(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        weights : Dict[str, Tensor]
        def put(self: __torch__.Sample, name: str, value: Tensor) -> NoneType:
          self.weights[name] = value
          return None
        def linear(self: __torch__.Sample, x: Tensor, name: str) -> Tensor:
          return torch.linear(x, self.weights[name], None)
        def bf16(self: __torch__.Sample, raw: Tensor) -> Tensor:
          return torch.view_copy(raw, dtype=15)
        def pair(self: __torch__.Sample, x: Tensor) -> Tuple[Tensor, Tensor]:
          return (torch.add(x, 1), torch.mul(x, 2))
        def stack(self: __torch__.Sample, xs: List[Tensor]) -> Tensor:
          return torch.stack(xs, 0)
        def split(self: __torch__.Sample, x: Tensor) -> List[Tensor]:
          return torch.unbind(x, 0)
        def mix(self: __torch__.Sample, a: int, b: float, c: bool, d: str, e: List[int]) -> float:
          if c:
            r = torch.mul(b, a)
          else:
            r = 0.
          return torch.add(r, float(torch.add(e[0], torch.len(d))))
        def bad(self: __torch__.Sample, x: Tensor) -> Tensor:
          assert torch.gt(torch.len(torch.size(x)), 5), "x must have more than 5 dimensions"
          return x
      """;

  private static Torch torch;
  private static TorchModule module;
  private long before;

  @BeforeAll
  static void start() {
    torch = Torch.start(TorchConfig.cpuF32());
    module = torch.module("Sample", SOURCE, "weights");
  }

  @AfterAll
  static void stop() {
    module.close();
    torch.close();
  }

  @org.junit.jupiter.api.BeforeEach
  void count() {
    before = torch.liveTensors();
  }

  @AfterEach
  void shouldLeaveNoHandle() {
    assertThat(torch.liveTensors()).isEqualTo(before);
  }

  @Test
  void shouldKeepAttributesBetweenCalls() {
    try (TensorScope scope = new TensorScope()) {
      Tensor weight = scope.own(torch.floats(new float[] {1, 2, 3, 4}, 2, 2));
      module.call("put", "w", weight);
      Tensor x = scope.own(torch.floats(new float[] {1, 1}, 1, 2));
      assertThat(scope.own(module.callTensor("linear", x, "w")).toFloats()).containsExactly(3, 7);
    }
  }

  @Test
  void shouldReadBf16ThroughRawBytes() {
    ByteBuffer raw = ByteBuffer.allocateDirect(4).order(ByteOrder.LITTLE_ENDIAN);
    raw.putShort((short) 0x3fc0).putShort((short) 0xc000).flip();
    try (Tensor bytes = torch.viewBytes(raw, 4);
        Tensor bf16 = module.callTensor("bf16", bytes)) {
      assertThat(bf16.dtype()).isEqualTo(Dtype.BF16);
      assertThat(bf16.shape()).containsExactly(2);
      assertThat(bf16.toFloats()).containsExactly(1.5f, -2f);
      assertThat(bf16.bytes()).isEqualTo(4);
    }
  }

  @Test
  void shouldReturnTuplesAndLists() {
    try (TensorScope scope = new TensorScope()) {
      Tensor x = scope.own(torch.floats(new float[] {1, 2}, 2));
      List<Tensor> pair = module.callTensors("pair", x);
      pair.forEach(scope::own);
      assertThat(pair.get(0).toFloats()).containsExactly(2, 3);
      assertThat(pair.get(1).toFloats()).containsExactly(2, 4);
      Tensor stacked = scope.own(module.callTensor("stack", pair));
      assertThat(stacked.shape()).containsExactly(2, 2);
      List<Tensor> rows = module.callTensors("split", stacked);
      rows.forEach(scope::own);
      assertThat(rows.get(1).toFloats()).containsExactly(2, 4);
    }
  }

  @Test
  void shouldPassScalars() {
    assertThat(module.callDouble("mix", 3, 2.5, true, "abc", new long[] {4})).isEqualTo(14.5);
  }

  @Test
  void shouldNameScriptLineAndMessage() {
    try (Tensor x = torch.floats(new float[] {1}, 1)) {
      assertThatThrownBy(() -> module.callTensor("bad", x))
          .isInstanceOf(TorchException.class)
          .hasMessageContaining("Sample.bad at line")
          .hasMessageContaining("x must have more than 5 dimensions")
          .hasMessageNotContaining("libtorch");
    }
  }

  @Test
  void shouldSayHowMuchMemoryCouldNotBeHad() {
    String source =
        """
        class Big(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          def make(self: __torch__.Big, n: int) -> Tensor:
            return torch.zeros([n], dtype=0, layout=None, device=torch.device("cpu"), pin_memory=None)
        """;
    try (TorchModule big = torch.module("Big", source)) {
      assertThatThrownBy(() -> big.callTensor("make", 1L << 50))
          .isInstanceOfSatisfying(
              TorchException.class,
              e -> {
                assertThat(e.outOfMemory()).isTrue();
                assertThat(e.bytesAsked()).isEqualTo(1L << 50);
              });
      try (Tensor small = big.callTensor("make", 2)) {
        assertThat(small.toLongs()).containsExactly(0, 0);
      }
    }
  }

  @Test
  void shouldReadWhatCudaSaysAboutItsMemory() {
    TorchException cuda =
        TorchException.from(
            "Qwen2Decoder",
            "empty",
            new IllegalStateException(
                "RuntimeError: CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total"
                    + " capacity of 139.72 GiB of which 1.10 GiB is free."));
    assertThat(cuda.outOfMemory()).isTrue();
    assertThat(cuda.bytesAsked()).isEqualTo(3L << 29);
    TorchException cublas =
        TorchException.from(
            "Qwen2Decoder",
            "decode",
            new IllegalStateException("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED"));
    assertThat(cublas.outOfMemory()).isTrue();
    assertThat(cublas.bytesAsked()).isEqualTo(-1);
    TorchException other =
        TorchException.from("A", "b", new IllegalStateException("RuntimeError: shapes differ"));
    assertThat(other.outOfMemory()).isFalse();
  }

  @Test
  void shouldRefuseWrongDtypesInJava() {
    try (Tensor floats = torch.floats(new float[] {1}, 1);
        Tensor ints = torch.longs(new long[] {1}, 1)) {
      assertThatThrownBy(floats::toLongs)
          .isInstanceOf(TorchException.class)
          .hasMessageContaining("expected an integer tensor");
      assertThatThrownBy(ints::toFloats)
          .isInstanceOf(TorchException.class)
          .hasMessageContaining("expected a floating-point tensor");
      assertThatThrownBy(() -> module.call("put", "w", (Object) new short[1]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldNameTheLineThatDoesNotCompile() {
    assertThatThrownBy(() -> torch.module("Sample", SOURCE.replace("torch.stack", "torch.stak")))
        .isInstanceOf(TorchException.class)
        .hasMessageContaining("stak");
  }

  @Test
  void shouldRefuseUnknownDevices() {
    assertThatThrownBy(() -> Torch.start(new TorchConfig("cuda:7", "auto", 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cuda:7");
    assertThatThrownBy(() -> Torch.start(new TorchConfig("cuda:7,cuda:9", "auto", 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cuda:7");
    assertThatThrownBy(() -> new TorchConfig("cuda:1,cuda:1", "auto", 0))
        .hasMessageContaining("twice");
    assertThatThrownBy(() -> new TorchConfig("cuda:0,cpu", "auto", 0))
        .hasMessageContaining("cuda:N,cuda:M");
    assertThatThrownBy(() -> new TorchConfig("tpu", "auto", 0))
        .hasMessageContaining("device must be auto, cpu, cuda:N or cuda:N,cuda:M but was 'tpu'");
  }
}
