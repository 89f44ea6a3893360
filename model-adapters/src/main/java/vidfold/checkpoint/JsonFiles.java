package vidfold.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads the JSON of a checkpoint; a key given twice or text after the object is a defect. */
final class JsonFiles {

  /** Larger JSON than this is refused unread; the largest published tokenizers have 35 MiB. */
  static final long MAX_BYTES = 100L << 20;

  private static final ObjectReader READER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build()
          .reader();

  private JsonFiles() {}

  static byte[] bytes(Path file) {
    String name = nameOf(file);
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(name, "expected a file but found none in " + file.getParent());
    }
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new CheckpointException(
            name, "expected at most " + MAX_BYTES + " bytes but found " + size);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CheckpointException(name, "cannot be read: " + e.getMessage(), e);
    }
  }

  static JsonNode read(Path file) {
    return parse(nameOf(file), bytes(file));
  }

  static JsonNode parse(String file, byte[] json) {
    JsonNode node;
    try {
      node = READER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new CheckpointException(file, "expected JSON but " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e.getMessage(), e);
    }
    if (!node.isObject()) {
      throw new CheckpointException(
          file,
          "expected a JSON object but found "
              + node.getNodeType().name().toLowerCase(java.util.Locale.ROOT));
    }
    return node;
  }

  static String nameOf(Path file) {
    return String.valueOf(file.getFileName());
  }
}
