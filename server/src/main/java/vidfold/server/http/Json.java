package vidfold.server.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads and writes JSON. */
final class Json {
  private static final int MAX_DEPTH = 32;

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxStringLength(Integer.MAX_VALUE)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private Json() {}

  static byte[] write(Object value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not JSON: " + value.getClass(), e);
    }
  }

  /**
   * A line that starts with some text and goes on with JSON, which holds no line end; then an empty
   * one.
   */
  static byte[] line(String start, Object value) {
    byte[] head = start.getBytes(StandardCharsets.UTF_8);
    byte[] json = write(value);
    byte[] line = Arrays.copyOf(head, head.length + json.length + 2);
    System.arraycopy(json, 0, line, head.length, json.length);
    line[line.length - 2] = '\n';
    line[line.length - 1] = '\n';
    return line;
  }

  /** One JSON value; bytes that are none end the request with the place of the mistake. */
  static JsonNode read(byte[] bytes) {
    try {
      JsonNode value = MAPPER.readTree(bytes);
      if (value.isMissingNode()) {
        throw malformed("The body is empty; a JSON object is expected.").asException();
      }
      return value;
    } catch (JsonProcessingException e) {
      throw at(e.getLocation()).asException();
    } catch (IOException e) {
      throw malformed("The body is not JSON in UTF-8.").asException();
    }
  }

  private static Problem at(JsonLocation location) {
    if (location == null || location.getLineNr() < 1) {
      return malformed("The body is not valid JSON.");
    }
    return malformed(
            "The body is not valid JSON at line %d, column %d."
                .formatted(location.getLineNr(), location.getColumnNr()))
        .with("line", location.getLineNr())
        .with("column", location.getColumnNr());
  }

  private static Problem malformed(String detail) {
    return Problem.of(400, "malformed-json", detail);
  }
}
