package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.checkpoint.SafetensorsWriter;
import vidfold.torch.Dtype;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

class WeightLoaderTest {

  @TempDir Path folder;

  /** In one piece, in several, and with a last one that is shorter. */
  @ParameterizedTest
  @CsvSource({"F32, 1024", "F32, 16", "F32, 24", "BF16, 1024", "BF16, 8", "BF16, 16", "F16, 16"})
  void shouldReadATensorInPieces(Dtype stored, int pieceBytes) throws IOException {
    float[] values = new float[7 * 3];
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * stored.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values.length; i++) {
      values[i] = i - 4;
      put(bytes, stored, values[i]);
    }
    Path file = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .add("pad", Dtype.U8, new byte[3], 3)
        .add("x", stored, bytes.array(), 7, 3)
        .add("none", Dtype.F32, new byte[0], 0, 3)
        .write(file);
    for (String dtype : new String[] {"f32", "bf16"}) {
      try (SafetensorsFile open = SafetensorsFile.open(file);
          Torch torch = Torch.start(new TorchConfig("cpu", dtype, 0));
          WeightLoader loader = new WeightLoader(torch, pieceBytes);
          Tensor x = loader.load(open.find("x"), 7, 3);
          Tensor none = loader.load(open.find("none"), 0, 3)) {
        assertThat(x.shape()).containsExactly(7, 3);
        assertThat(x.dtype()).isEqualTo(torch.dtype());
        assertThat(x.toFloats()).containsExactly(values);
        assertThat(none.shape()).containsExactly(0, 3);
      }
    }
  }

  private static void put(ByteBuffer to, Dtype dtype, float value) {
    switch (dtype) {
      case F32 -> to.putFloat(value);
      case BF16 -> to.putShort((short) (Float.floatToIntBits(value) >>> 16));
      default -> to.putShort(half(value));
    }
  }

  /** A small whole number as f16. */
  private static short half(float value) {
    if (value == 0) {
      return 0;
    }
    int bits = Float.floatToIntBits(value);
    int exponent = (bits >>> 23 & 0xff) - 127 + 15;
    return (short) (bits >>> 16 & 0x8000 | exponent << 10 | bits >>> 13 & 0x3ff);
  }
}
