package vidfold.merging;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.Stream;

/** A golden vector: a video and what the published code made of it, read from safetensors. */
record Golden(
    String name,
    Video video,
    MergeSpec.Thresholds thresholds,
    SttmOptions options,
    float[] merged,
    int[] patchCount,
    int[] boxes) {

  private static final List<String> STTM =
      List.of(
          "00_8x14x14",
          "01_8x14x14",
          "02_12x14x14",
          "03_8x14x14",
          "04_8x14x14",
          "05_6x8x8",
          "06_4x20x36",
          "07_5x13x23",
          "08_9x7x7",
          "09_8x14x14",
          "10_1x14x14",
          "11_6x9x16",
          "12_6x6x6",
          "13_8x12x12",
          "14_8x14x14",
          "15_6x14x14");

  static Stream<Golden> sttm() {
    return STTM.stream().map(name -> read("sttm_" + name));
  }

  @Override
  public String toString() {
    return name;
  }

  private static Golden read(String name) {
    try (InputStream in =
        Golden.class.getResourceAsStream("/goldens/merging/" + name + ".safetensors")) {
      ByteBuffer file = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
      int length = Math.toIntExact(file.getLong());
      JsonNode header = new ObjectMapper().readTree(file.array(), Long.BYTES, length);
      ByteBuffer data = file.slice(Long.BYTES + length, file.capacity() - Long.BYTES - length);
      data.order(ByteOrder.LITTLE_ENDIAN);
      JsonNode facts = header.get("__metadata__");
      return new Golden(
          name,
          video(floats(header.get("video"), data), facts),
          new MergeSpec.Thresholds(
              facts.get("spatial_threshold").asDouble(),
              facts.get("temporal_threshold").asDouble()),
          new SttmOptions(
              false,
              facts.get("root_level").asInt(),
              facts.get("weighted_average").asText().equals("True")),
          floats(header.get("merged"), data),
          ints(header.get("patch_count"), data),
          ints(header.get("boxes"), data));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Video video(float[] values, JsonNode facts) {
    return new Video(
        values,
        facts.get("T").asInt(),
        facts.get("H").asInt(),
        facts.get("W").asInt(),
        facts.get("C").asInt());
  }

  private static float[] floats(JsonNode entry, ByteBuffer data) {
    float[] out = new float[size(entry) / Float.BYTES];
    slice(entry, data).asFloatBuffer().get(out);
    return out;
  }

  private static int[] ints(JsonNode entry, ByteBuffer data) {
    int[] out = new int[size(entry) / Integer.BYTES];
    slice(entry, data).asIntBuffer().get(out);
    return out;
  }

  private static int size(JsonNode entry) {
    return entry.get("data_offsets").get(1).asInt() - entry.get("data_offsets").get(0).asInt();
  }

  private static ByteBuffer slice(JsonNode entry, ByteBuffer data) {
    int start = entry.get("data_offsets").get(0).asInt();
    return data.slice(start, size(entry)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
