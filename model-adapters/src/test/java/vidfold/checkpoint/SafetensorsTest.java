package vidfold.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.torch.Dtype;

class SafetensorsTest {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen2vl");

  @TempDir Path folder;

  @Test
  void shouldReadBackWhatWasWritten() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .metadata("case", "{\"a\": 1}")
        .add("floats", new float[] {1, -2.5f, 3, 4, 5, Float.MIN_VALUE}, 2, 3)
        .add("odd", Dtype.U8, new byte[] {7, -1, 0}, 3)
        .add("longs", new long[] {Long.MIN_VALUE, -1, 42}, 3)
        .add("half", Dtype.BF16, new byte[] {(byte) 0xC0, 0x3F, 0x00, (byte) 0xC1}, 2)
        .add("scalar", new float[] {9})
        .add("empty", new float[0], 0, 5)
        .write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).containsExactlyEntriesOf(java.util.Map.of("case", "{\"a\": 1}"));
      assertThat(file.names()).containsExactly("floats", "odd", "longs", "half", "scalar", "empty");
      assertThat(file.find("floats").toFloats())
          .containsExactly(1, -2.5f, 3, 4, 5, Float.MIN_VALUE);
      assertThat(file.find("floats").shape()).containsExactly(2, 3);
      assertThat(file.find("odd").toLongs()).containsExactly(7, 255, 0);
      assertThat(file.find("longs").toLongs()).containsExactly(Long.MIN_VALUE, -1, 42);
      assertThat(file.find("half").toFloats()).containsExactly(1.5f, -8f);
      assertThat(file.find("scalar").shape()).isEmpty();
      assertThat(file.find("scalar").toFloats()).containsExactly(9);
      assertThat(file.find("empty").map()).singleElement().matches(b -> !b.hasRemaining());
      assertThat(file.find("floats").dtype()).isEqualTo(Dtype.F32);
      assertThat(file.find("floats").byteLength()).isEqualTo(24);
    }
  }

  @Test
  void shouldNameAFileThatIsNotThere() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(folder.resolve("none.safetensors")))
        .withMessage("none.safetensors: expected a file but found none in " + folder);
  }

  @Test
  void shouldReadFilesOfTheReferenceLibrary() {
    try (SafetensorsFile file =
        SafetensorsFile.open(ORACLE.resolve("cases/video_square.safetensors"))) {
      assertThat(file.metadata().get("case")).contains("video_square");
      assertThat(file.find("video_grid_thw").toLongs()).containsExactly(2, 6, 6);
      assertThat(file.find("input_ids").shape()).containsExactly(46);
      assertThat(file.find("frames").dtype()).isEqualTo(Dtype.U8);
      assertThat(file.find("frames").shape()).containsExactly(4, 36, 36, 3);
      assertThat(file.find("logits").toFloats()).hasSize(46 * 608);
    }
  }

  @Test
  void shouldMapReadOnlyDirectAndLittleEndian() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .add("pad", Dtype.U8, new byte[3], 3)
        .add("x", new float[] {1, 2, 3}, 3)
        .write(path);
    ByteBuffer mapped;
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      mapped = file.find("x").map().get(0);
    }
    assertThat(mapped.isDirect()).isTrue();
    assertThat(mapped.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(mapped.remaining()).isEqualTo(12);
    assertThat(mapped.getFloat(8)).isEqualTo(3);
    assertThatExceptionOfType(ReadOnlyBufferException.class)
        .isThrownBy(() -> mapped.put(0, (byte) 0));
  }

  @Test
  void shouldCutLargeTensorsAtRows() throws IOException {
    Path path = folder.resolve("x.safetensors");
    float[] values = new float[7 * 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    new SafetensorsWriter().add("x", values, 7, 3).write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      List<ByteBuffer> pieces = file.find("x").map(30);
      assertThat(pieces).extracting(ByteBuffer::remaining).containsExactly(24, 24, 24, 12);
      assertThat(pieces.get(3).getFloat(0)).isEqualTo(18);
      assertThatDefect(() -> file.find("x").map(11)).withMessageContaining("found 12");
    }
  }

  @Test
  void shouldNameAMissingTensor() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter().add("x", new float[1], 1).write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThatDefect(() -> file.find("y")).withMessageStartingWith("x.safetensors: y: expected");
    }
  }

  @Test
  void shouldNameATruncatedTensorWherever() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter().add("w", new float[64], 8, 8).write(path);
    byte[] whole = Files.readAllBytes(path);
    for (int length = 0; length < whole.length; length++) {
      Files.write(path, Arrays.copyOf(whole, length));
      assertThatDefect(() -> SafetensorsFile.open(path))
          .withMessageStartingWith("x.safetensors: ")
          .withMessageContaining("truncated")
          .withMessageContaining("found");
    }
  }

  @Test
  void shouldNoticeAFileThatShrinksAfterOpening() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter().add("w", new float[64], 8, 8).write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      byte[] whole = Files.readAllBytes(path);
      Files.write(path, Arrays.copyOf(whole, whole.length - 1));
      assertThatDefect(() -> file.find("w").map()).withMessageContaining("w: ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '#',
      value = {
        "not json | expected JSON",
        "[1] | expected a JSON object but found array",
        "{} {} | expected JSON",
        "{`a`: {}} | a: expected a dtype but found",
        "{`a`: 3} | a: expected a dtype but found",
        "{`a`: {`dtype`: `F32`}} | a: shape: expected a list but found",
        "{`a`: {`dtype`: `F32`, `shape`: [-1], `data_offsets`: [0, 4]}} | a: shape: expected sizes but found -1",
        "{`a`: {`dtype`: `F32`, `shape`: [1.5], `data_offsets`: [0, 4]}} | found 1.5",
        "{`a`: {`dtype`: `F32`, `shape`: [1], `data_offsets`: [4, 0]}} | expected data_offsets [begin, end] but found [4, 0]",
        "{`a`: {`dtype`: `F32`, `shape`: [1], `data_offsets`: [0]}} | but found [0]",
        "{`a`: {`dtype`: `F32`, `shape`: [9], `data_offsets`: [0, 36]}} | expected data up to byte 36 but found 16",
        "{`a`: {`dtype`: `F32`, `shape`: [3], `data_offsets`: [0, 8]}} | expected 12 bytes for F32 [3] but found 8",
        "{`a`: {`dtype`: `F32`, `shape`: [4294967296, 4294967296], `data_offsets`: [0, 8]}} | more than 2^63",
        "{`a`: {`dtype`: `F32`, `shape`: [99999999999999999999], `data_offsets`: [0, 8]}} | expected sizes",
        "{`a`: {`dtype`: `U8`, `shape`: [8], `data_offsets`: [0, 8]}, `b`: {`dtype`: `U8`, `shape`: [8], `data_offsets`: [7, 15]}} | b: expected data of its own but it overlaps a",
        "{`a`: {`dtype`: `U8`, `shape`: [1], `data_offsets`: [0, 1]}, `a`: {`dtype`: `U8`, `shape`: [1], `data_offsets`: [1, 2]}} | Duplicate",
      })
  void shouldRefuseHeader(String header, String problem) throws IOException {
    Path path = write(header.replace('`', '"'), 16);
    assertThatDefect(() -> SafetensorsFile.open(path))
        .withMessageStartingWith("x.safetensors: ")
        .withMessageContaining(problem);
  }

  @ParameterizedTest
  @CsvSource({"-1, 18446744073709551615", "9223372036854775807, at most", "104857601, at most"})
  void shouldRefuseAnAbsurdHeaderLength(long length, String problem) throws IOException {
    Path path = folder.resolve("x.safetensors");
    Files.write(
        path, ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    assertThatDefect(() -> SafetensorsFile.open(path)).withMessageContaining(problem);
  }

  @Test
  void shouldRefuseAnUnknownDtypeOnlyWhenAsked() throws IOException {
    Path path =
        write("{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [8], \"data_offsets\": [0, 8]}}", 8);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThatDefect(() -> file.find("a").dtype())
          .withMessage("x.safetensors: a: expected a known dtype but found dtype F8_E4M3");
    }
  }

  @Test
  void shouldRefuseToWriteAShapeThatDoesNotFit() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SafetensorsWriter().add("x", new float[3], 2, 2))
        .withMessageContaining("expected 16 bytes for F32 [2, 2] but found 12");
  }

  private Path write(String header, int data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + json.length + data).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(json.length).put(json);
    return Files.write(folder.resolve("x.safetensors"), file.array());
  }

  private static org.assertj.core.api.ThrowableAssertAlternative<CheckpointException>
      assertThatDefect(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return assertThatExceptionOfType(CheckpointException.class).isThrownBy(call);
  }
}
