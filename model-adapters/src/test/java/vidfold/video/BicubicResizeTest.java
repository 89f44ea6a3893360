package vidfold.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BicubicResizeTest {

  /** The oracle is torchvision's resize of uint8 images; see src/test/python/README.md. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void shouldMatchTorchvisionByteForByte(int image) throws Exception {
    byte[] file;
    try (InputStream in =
        getClass().getResourceAsStream("/oracle/qwen2vl/cases/resize.safetensors")) {
      file = in.readAllBytes();
    }
    int header = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    JsonNode tensors = new ObjectMapper().readTree(file, 8, header);
    JsonNode in = tensors.get("input_" + image);
    JsonNode out = tensors.get("output_" + image);
    BicubicResize resize =
        new BicubicResize(
            in.get("shape").get(1).asInt(),
            in.get("shape").get(0).asInt(),
            out.get("shape").get(1).asInt(),
            out.get("shape").get(0).asInt());
    byte[] expected = bytes(file, header, out);
    byte[] found = new byte[expected.length];
    resize.resize(ByteBuffer.wrap(bytes(file, header, in)), ByteBuffer.wrap(found));
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void shouldLeaveFramesOfTheRightSizeAlone() {
    byte[] frame = new byte[4 * 5 * 3];
    for (int i = 0; i < frame.length; i++) {
      frame[i] = (byte) (i * 7);
    }
    byte[] out = new byte[frame.length];
    new BicubicResize(5, 4, 5, 4).resize(ByteBuffer.wrap(frame), ByteBuffer.wrap(out));
    assertThat(out).isEqualTo(frame);
  }

  @Test
  void shouldRefuseEmptySizes() {
    assertThatThrownBy(() -> new BicubicResize(0, 4, 5, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0x4");
  }

  private static byte[] bytes(byte[] file, int header, JsonNode tensor) {
    int from = 8 + header + tensor.get("data_offsets").get(0).asInt();
    int to = 8 + header + tensor.get("data_offsets").get(1).asInt();
    return Arrays.copyOfRange(file, from, to);
  }
}
