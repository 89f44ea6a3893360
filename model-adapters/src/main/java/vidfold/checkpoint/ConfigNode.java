package vidfold.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object of a configuration file, read by key. A key that is missing or of another type is a
 * {@link CheckpointException} that names the file, the key with its path, found and expected; a
 * {@code null} value counts as missing.
 */
public final class ConfigNode {

  private static final int SHOWN = 60;

  private final String file;
  private final String prefix;
  private final JsonNode node;

  private ConfigNode(String file, String prefix, JsonNode node) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
  }

  /** Reads a JSON file of at most 100 MiB. */
  public static ConfigNode read(Path file) {
    return new ConfigNode(JsonFiles.nameOf(file), "", JsonFiles.read(file));
  }

  /** Reads JSON text; {@code file} is the name that errors carry. */
  public static ConfigNode parse(String file, String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return new ConfigNode(file, "", JsonFiles.parse(file, bytes));
  }

  /** The name of the file this was read from. */
  public String file() {
    return file;
  }

  /** The JSON itself; not to be changed. */
  public JsonNode json() {
    return node;
  }

  /** Whether the key is there and not null. */
  public boolean has(String key) {
    return node.hasNonNull(key);
  }

  public int getInt(String key) {
    return value(key, "an integer", ConfigNode::isInt, JsonNode::intValue);
  }

  public int getInt(String key, int otherwise) {
    return has(key) ? getInt(key) : otherwise;
  }

  public double getDouble(String key) {
    return value(key, "a number", JsonNode::isNumber, JsonNode::doubleValue);
  }

  public double getDouble(String key, double otherwise) {
    return has(key) ? getDouble(key) : otherwise;
  }

  public boolean getBoolean(String key, boolean otherwise) {
    return has(key)
        ? value(key, "true or false", JsonNode::isBoolean, JsonNode::booleanValue)
        : otherwise;
  }

  public String getString(String key) {
    return value(key, "a string", JsonNode::isTextual, JsonNode::textValue);
  }

  public String getString(String key, String otherwise) {
    return has(key) ? getString(key) : otherwise;
  }

  public List<Integer> getInts(String key) {
    return values(key, "a list of integers", ConfigNode::isInt, JsonNode::intValue);
  }

  public List<Double> getDoubles(String key) {
    return values(key, "a list of numbers", JsonNode::isNumber, JsonNode::doubleValue);
  }

  public List<String> getStrings(String key) {
    return values(key, "a list of strings", JsonNode::isTextual, JsonNode::textValue);
  }

  /** The object under a key. */
  public ConfigNode node(String key) {
    JsonNode child = value(key, "an object", JsonNode::isObject, Function.identity());
    return new ConfigNode(file, prefix + key + ".", child);
  }

  /** The object under a key, when it is there. */
  public Optional<ConfigNode> find(String key) {
    return has(key) ? Optional.of(node(key)) : Optional.empty();
  }

  /** The error of a key whose value has the right type but cannot be used. */
  public CheckpointException unusable(String key, String expected) {
    return new CheckpointException(
        file, prefix + key + ": expected " + expected + " but found " + shown(node.get(key)));
  }

  private <T> T value(
      String key, String expected, Predicate<JsonNode> fits, Function<JsonNode, T> read) {
    JsonNode child = node.get(key);
    if (child == null || !fits.test(child)) {
      throw unusable(key, expected);
    }
    return read.apply(child);
  }

  private <T> List<T> values(
      String key, String expected, Predicate<JsonNode> fits, Function<JsonNode, T> read) {
    JsonNode list = value(key, expected, JsonNode::isArray, Function.identity());
    List<T> values = new ArrayList<>(list.size());
    for (JsonNode element : list) {
      if (!fits.test(element)) {
        throw unusable(key, expected);
      }
      values.add(read.apply(element));
    }
    return List.copyOf(values);
  }

  private static boolean isInt(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToInt();
  }

  private static String shown(@Nullable JsonNode value) {
    if (value == null || value.isNull()) {
      return "nothing";
    }
    String text = value.toString();
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "..";
  }
}
