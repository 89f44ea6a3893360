package vidfold.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import vidfold.torch.Dtype;

/** Collects tensors that are on the heap and writes them as one safetensors file. */
public final class SafetensorsWriter {

  private record Tensor(String name, Dtype dtype, List<Long> dims, byte[] bytes) {}

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /** Adds an entry of the header's {@code __metadata__}. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds an F32 tensor. */
  public SafetensorsWriter add(String name, float[] values, long... shape) {
    ByteBuffer bytes = littleEndian(values.length * (long) Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return add(name, Dtype.F32, bytes.array(), shape);
  }

  /** Adds an I64 tensor. */
  public SafetensorsWriter add(String name, long[] values, long... shape) {
    ByteBuffer bytes = littleEndian(values.length * (long) Long.BYTES);
    bytes.asLongBuffer().put(values);
    return add(name, Dtype.I64, bytes.array(), shape);
  }

  /** Adds a tensor whose little-endian bytes are given. */
  public SafetensorsWriter add(String name, Dtype dtype, byte[] bytes, long... shape) {
    long expected = Arrays.stream(shape).reduce(dtype.bytes(), Math::multiplyExact);
    if (bytes.length != expected) {
      throw new IllegalArgumentException(
          "%s: expected %d bytes for %s %s but found %d"
              .formatted(name, expected, dtype, Arrays.toString(shape), bytes.length));
    }
    tensors.add(new Tensor(name, dtype, Arrays.stream(shape).boxed().toList(), bytes));
    return this;
  }

  /** Writes the file, replacing one that is there. */
  public void write(Path path) throws IOException {
    byte[] header = header();
    ByteBuffer length = littleEndian(Long.BYTES).putLong(0, header.length);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path))) {
      out.write(length.array());
      out.write(header);
      for (Tensor tensor : tensors) {
        out.write(tensor.bytes());
      }
    }
  }

  /** The header, padded with spaces so that the data starts at a multiple of 8. */
  private byte[] header() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = root.putObject("__metadata__");
      metadata.forEach(node::put);
    }
    long at = 0;
    for (Tensor tensor : tensors) {
      ObjectNode node = root.putObject(tensor.name());
      node.put("dtype", tensor.dtype().name());
      ArrayNode shape = node.putArray("shape");
      tensor.dims().forEach(shape::add);
      node.putArray("data_offsets").add(at).add(at + tensor.bytes().length);
      at += tensor.bytes().length;
    }
    byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static ByteBuffer littleEndian(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }
}
