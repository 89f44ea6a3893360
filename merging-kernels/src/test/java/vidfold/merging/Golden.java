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

  /** A golden vector of a reducer without thresholds. */
  record Rows(String name, Video video, float[] merged, int[] sourceIndex) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Rows rows(String name) {
    Stored stored = Stored.open(name);
    return new Rows(name, stored.video(), stored.floats("merged"), stored.longs("source_index"));
  }

  @Override
  public String toString() {
    return name;
  }

  private static Golden read(String name) {
    Stored stored = Stored.open(name);
    JsonNode facts = stored.header.get("__metadata__");
    return new Golden(
        name,
        stored.video(),
        new MergeSpec.Thresholds(
            facts.get("spatial_threshold").asDouble(), facts.get("temporal_threshold").asDouble()),
        new SttmOptions(
            false,
            facts.get("root_level").asInt(),
            facts.get("weighted_average").asText().equals("True")),
        stored.floats("merged"),
        stored.ints("patch_count"),
        stored.ints("boxes"));
  }

  /** A safetensors file on the heap. */
  private record Stored(JsonNode header, ByteBuffer data) {

    static Stored open(String name) {
      try (InputStream in =
          Golden.class.getResourceAsStream("/goldens/merging/" + name + ".safetensors")) {
        ByteBuffer file = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        int length = Math.toIntExact(file.getLong());
        JsonNode header = new ObjectMapper().readTree(file.array(), Long.BYTES, length);
        int start = Long.BYTES + length;
        return new Stored(header, file.slice(start, file.capacity() - start));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    Video video() {
      JsonNode shape = header.get("video").get("shape");
      return new Video(
          floats("video"),
          shape.get(0).asInt(),
          shape.get(1).asInt(),
          shape.get(2).asInt(),
          shape.get(3).asInt());
    }

    float[] floats(String tensor) {
      ByteBuffer bytes = slice(tensor);
      float[] out = new float[bytes.remaining() / Float.BYTES];
      bytes.asFloatBuffer().get(out);
      return out;
    }

    int[] ints(String tensor) {
      ByteBuffer bytes = slice(tensor);
      int[] out = new int[bytes.remaining() / Integer.BYTES];
      bytes.asIntBuffer().get(out);
      return out;
    }

    int[] longs(String tensor) {
      ByteBuffer bytes = slice(tensor);
      int[] out = new int[bytes.remaining() / Long.BYTES];
      java.util.Arrays.setAll(out, i -> Math.toIntExact(bytes.getLong(i * Long.BYTES)));
      return out;
    }

    private ByteBuffer slice(String tensor) {
      JsonNode offsets = header.get(tensor).get("data_offsets");
      int start = offsets.get(0).asInt();
      return data.slice(start, offsets.get(1).asInt() - start).order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
