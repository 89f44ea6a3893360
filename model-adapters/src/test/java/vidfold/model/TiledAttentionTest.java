package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.torch.Script;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;
import vidfold.torch.TorchModule;

/** Attention of long segments on a CPU against sums in f64. */
class TiledAttentionTest {

  private static final String SOURCE =
      """
      class Sample(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def cast(self: __torch__.Sample, x: Tensor, dtype: int) -> Tensor:
          return torch.to(x, dtype)
        def taken(self: __torch__.Sample, q: Tensor, k: Tensor) -> int:
          return int(__torch__.attention.fills_tiles(q, k))
        def attend(self: __torch__.Sample, q: Tensor, k: Tensor, v: Tensor) -> Tuple[Tensor, Tensor]:
          return __torch__.attention.tiled(q, k, v)
      """;

  private static final int HEADS = 2;
  private static final int DIM = 12;

  /** In one tile; in two of which the second is shorter; in tiles of about a hundred rows. */
  @ParameterizedTest
  @CsvSource({
    "1, 300, 700, f32, 1e-5",
    "1, 300, 9000, f32, 1e-5",
    "1, 256, 20000, f32, 1e-5",
    "2, 260, 4096, f32, 1e-5",
    "2, 260, 4096, bf16, 1e-2"
  })
  void shouldAttendToEveryKey(int count, int rows, int keys, String dtype, float tolerance) {
    Random random = new Random(3);
    float[] q = draw(random, count * HEADS * rows * DIM, 2);
    float[] k = draw(random, count * HEADS * keys * DIM, 1);
    float[] v = draw(random, count * HEADS * keys * DIM, 1);
    Script script = new Script("sample.py", SOURCE, Script.of("qwen2_decoder.py").libraries());
    try (Torch torch = Torch.start(new TorchConfig("cpu", dtype, 0));
        TorchModule module = torch.module(script);
        TensorScope scope = new TensorScope()) {
      Tensor asking = cast(torch, module, scope, q, count, HEADS, rows, DIM);
      Tensor key = cast(torch, module, scope, k, count, HEADS, keys, DIM);
      Tensor value = cast(torch, module, scope, v, count, HEADS, keys, DIM);
      assertThat(module.callLong("taken", asking, key)).isOne();
      List<Tensor> both = module.callTensors("attend", asking, key, value);
      both.forEach(scope::own);
      assertThat(both.get(0).dtype()).isEqualTo(torch.dtype());
      assertThat(both.get(0).shape()).containsExactly(count, HEADS, rows, DIM);
      assertThat(both.get(1).shape()).containsExactly(count, HEADS, rows);
      float[] out = both.get(0).toFloats();
      float[] lse = both.get(1).toFloats();
      for (int at = 0; at < count * HEADS * rows; at += 37) {
        int head = at / rows;
        double[] seen = new double[DIM];
        double sum = attend(q, at, k, v, head, keys, seen);
        assertThat((double) lse[at]).isCloseTo(Math.log(sum), Offset.offset((double) tolerance));
        for (int d = 0; d < DIM; d++) {
          assertThat((double) out[at * DIM + d])
              .isCloseTo(seen[d] / sum, Offset.offset((double) tolerance));
        }
      }
    }
  }

  private static Tensor cast(
      Torch torch, TorchModule module, TensorScope scope, float[] values, long... shape) {
    Tensor wide = scope.own(torch.floats(values, shape));
    return scope.own(module.callTensor("cast", wide, torch.dtype().code()));
  }

  /** Sums exp(score) times the values into {@code seen}; the sum of exp(score). */
  private static double attend(
      float[] q, int at, float[] k, float[] v, int head, int keys, double[] seen) {
    double sum = 0;
    for (int p = 0; p < keys; p++) {
      int row = (head * keys + p) * DIM;
      double score = 0;
      for (int d = 0; d < DIM; d++) {
        score += (double) q[at * DIM + d] * k[row + d];
      }
      double weight = Math.exp(score / Math.sqrt(DIM));
      sum += weight;
      for (int d = 0; d < DIM; d++) {
        seen[d] += weight * v[row + d];
      }
    }
    return sum;
  }

  /** Values that bf16 holds exactly, so that both dtypes start from the same. */
  private static float[] draw(Random random, int count, int reach) {
    float[] out = new float[count];
    for (int i = 0; i < count; i++) {
      out[i] = (random.nextInt(128 * reach) - 64 * reach) / 64f;
    }
    return out;
  }
}
