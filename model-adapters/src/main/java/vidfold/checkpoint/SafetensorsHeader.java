package vidfold.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import vidfold.torch.Dtype;

/**
 * Parses the header of a safetensors file: its length as u64, JSON of that length, then the data.
 * Every number in it is checked against the size of the file before it is used.
 */
final class SafetensorsHeader {

  private static final String METADATA = "__metadata__";

  private final String file;
  private final byte[] json;
  private final long dataStart;
  private final long dataLength;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, SafetensorsEntry> entries = new LinkedHashMap<>();

  private SafetensorsHeader(String file, byte[] json, long fileSize) {
    this.file = file;
    this.json = json;
    this.dataStart = Long.BYTES + (long) json.length;
    this.dataLength = fileSize - dataStart;
  }

  static SafetensorsHeader read(FileChannel channel, String file) throws IOException {
    long size = channel.size();
    if (size < Long.BYTES) {
      throw new CheckpointException(
          file, "truncated: expected a header length of 8 bytes but found " + size + " bytes");
    }
    long length = bytes(channel, 0, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 0 || length > JsonFiles.MAX_BYTES) {
      throw new CheckpointException(
          file,
          "header: expected at most "
              + JsonFiles.MAX_BYTES
              + " bytes but found length "
              + Long.toUnsignedString(length));
    }
    if (length > size - Long.BYTES) {
      throw new CheckpointException(
          file,
          "truncated: expected a header of " + length + " bytes but found " + (size - Long.BYTES));
    }
    byte[] json = bytes(channel, Long.BYTES, (int) length).array();
    SafetensorsHeader header = new SafetensorsHeader(file, json, size);
    header.parse();
    return header;
  }

  byte[] json() {
    return json;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  Map<String, SafetensorsEntry> entries() {
    return entries;
  }

  private void parse() {
    for (Map.Entry<String, JsonNode> field : JsonFiles.parse(file, json).properties()) {
      if (field.getKey().equals(METADATA)) {
        field.getValue().properties().forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
      } else {
        entries.put(field.getKey(), entry(field.getKey(), field.getValue()));
      }
    }
    checkOverlaps();
  }

  private SafetensorsEntry entry(String name, JsonNode node) {
    JsonNode dtype = node.path("dtype");
    if (!dtype.isTextual()) {
      throw defect(name, "expected a dtype but found " + dtype);
    }
    List<Long> dims = sizes(name, node, "shape");
    List<Long> offsets = sizes(name, node, "data_offsets");
    if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
      throw defect(name, "expected data_offsets [begin, end] but found " + offsets);
    }
    if (offsets.get(1) > dataLength) {
      throw defect(
          name,
          "truncated: expected data up to byte "
              + offsets.get(1)
              + " but found "
              + dataLength
              + " bytes of data");
    }
    SafetensorsEntry entry =
        new SafetensorsEntry(
            name, dtype.textValue(), dims, dataStart + offsets.get(0), dataStart + offsets.get(1));
    checkLength(entry);
    return entry;
  }

  private List<Long> sizes(String name, JsonNode node, String key) {
    JsonNode list = node.path(key);
    List<Long> sizes = new ArrayList<>();
    for (JsonNode size : list) {
      if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
        throw defect(name, key + ": expected sizes but found " + size);
      }
      sizes.add(size.longValue());
    }
    if (!list.isArray()) {
      throw defect(name, key + ": expected a list but found " + list);
    }
    return sizes;
  }

  private void checkLength(SafetensorsEntry entry) {
    Dtype dtype = entry.knownDtype();
    if (dtype == null) {
      return; // an error once somebody asks for this tensor
    }
    long expected;
    try {
      expected = dtype.bytes();
      for (long dim : entry.dims()) {
        expected = Math.multiplyExact(expected, dim);
      }
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          file, entry.name() + ": shape " + entry.dims() + " has more than 2^63 bytes", e);
    }
    if (expected != entry.byteLength()) {
      throw defect(
          entry.name(),
          "expected %d bytes for %s %s but found %d"
              .formatted(expected, entry.dtype(), entry.dims(), entry.byteLength()));
    }
  }

  private void checkOverlaps() {
    List<SafetensorsEntry> sorted = new ArrayList<>(entries.values());
    sorted.removeIf(entry -> entry.byteLength() == 0);
    sorted.sort(Comparator.comparingLong(SafetensorsEntry::begin));
    for (int i = 1; i < sorted.size(); i++) {
      SafetensorsEntry before = sorted.get(i - 1);
      if (sorted.get(i).begin() < before.end()) {
        throw defect(
            sorted.get(i).name(), "expected data of its own but it overlaps " + before.name());
      }
    }
  }

  private CheckpointException defect(String name, String problem) {
    return new CheckpointException(file, name + ": " + problem);
  }

  private static ByteBuffer bytes(FileChannel channel, long position, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new IOException("the file ended at byte " + (position + buffer.position()));
      }
    }
    return buffer.flip();
  }
}
