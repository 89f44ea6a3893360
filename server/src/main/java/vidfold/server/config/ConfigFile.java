package vidfold.server.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A YAML file of keys, whole ({@code http.port: 8000}) or by parts ({@code http: {port: 8000}}).
 *
 * <p>Values are taken as they are written; what they mean is the business of their key.
 */
final class ConfigFile {
  private final Path file;
  private final Map<String, String> values = new LinkedHashMap<>();

  private ConfigFile(Path file) {
    this.file = file;
  }

  /**
   * The text of each key.
   *
   * @throws IllegalArgumentException when the file is not there or is no such file
   */
  static Map<String, String> read(Path file) {
    ConfigFile config = new ConfigFile(file);
    try (Reader text = Files.newBufferedReader(file);
        JsonParser parser = new YAMLFactory().createParser(text)) {
      JsonToken first = parser.nextToken();
      if (first == JsonToken.START_OBJECT) {
        config.object(parser, "");
      } else if (first != null) {
        throw config.defect("key: value", "something else");
      }
      return config.values;
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException("there is no configuration file " + file, e);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s, line %d: expected YAML but %s"
              .formatted(
                  file,
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  e.getOriginalMessage().lines().findFirst().orElse("it is not")),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("the configuration file " + file + " cannot be read", e);
    }
  }

  private void object(JsonParser parser, String prefix) throws IOException {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = prefix + parser.currentName();
      JsonToken value = parser.nextToken();
      if (value == JsonToken.START_OBJECT) {
        object(parser, key + ".");
      } else if (value == JsonToken.VALUE_NULL || !value.isScalarValue()) {
        throw defect(
            "one value for '" + key + "'", value == JsonToken.START_ARRAY ? "a list" : "none");
      } else if (values.put(key, parser.getText()) != null) {
        throw defect("each key once", "'" + key + "' twice");
      }
    }
  }

  private IllegalArgumentException defect(String expected, String found) {
    return new IllegalArgumentException(
        "file %s: expected %s but found %s".formatted(file, expected, found));
  }
}
