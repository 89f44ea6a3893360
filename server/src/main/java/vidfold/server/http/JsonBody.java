package vidfold.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object whose members are read by name and type.
 *
 * <p>A member that is absent or null is null. One that is unknown, or of another type than asked
 * for, ends the request with a problem that names it.
 */
final class JsonBody {
  private final JsonNode object;
  private final String prefix;

  private JsonBody(JsonNode object, String prefix, Set<String> known) {
    this.object = object;
    this.prefix = prefix;
    rejectUnknown(known);
  }

  static JsonBody read(byte[] bytes, Set<String> known) {
    JsonNode value = Json.read(bytes);
    if (!value.isObject()) {
      throw Problem.of(
              400, "malformed-json", "The body must be a JSON object but is " + kind(value) + ".")
          .asException();
    }
    return new JsonBody(value, "", known);
  }

  /** An object that was put together from members of others. */
  static JsonBody of(ObjectNode object, Set<String> known) {
    return new JsonBody(object, "", known);
  }

  @Nullable String text(String field) {
    JsonNode value = member(field);
    return value == null ? null : text(value, prefix + field);
  }

  @Nullable List<String> texts(String field) {
    JsonNode value = member(field);
    if (value == null) {
      return null;
    }
    if (!value.isArray()) {
      throw mismatch(field, "a list of strings", value);
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      texts.add(text(value.get(i), prefix + field + "[" + i + "]"));
    }
    return texts;
  }

  @Nullable Double number(String field) {
    return number(field, "a number");
  }

  /**
   * The same.
   *
   * @param expected what the problem says that the member must be
   */
  @Nullable Double number(String field, String expected) {
    JsonNode value = member(field);
    if (value == null) {
      return null;
    }
    if (!value.isNumber()) {
      throw mismatch(field, expected, value);
    }
    return value.doubleValue();
  }

  /** Whether a member is this very string. */
  boolean isWord(String field, String word) {
    JsonNode value = member(field);
    return value != null && value.isTextual() && value.textValue().equals(word);
  }

  @Nullable Integer integer(String field) {
    JsonNode value = member(field);
    if (value == null) {
      return null;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw mismatch(field, "a whole number of 32 bits", value);
    }
    return value.intValue();
  }

  @Nullable Long longInteger(String field) {
    JsonNode value = member(field);
    if (value == null) {
      return null;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw mismatch(field, "a whole number of 64 bits", value);
    }
    return value.longValue();
  }

  /** Whether a member is given and not null. */
  boolean has(String field) {
    return member(field) != null;
  }

  boolean flag(String field) {
    JsonNode value = member(field);
    if (value == null) {
      return false;
    }
    if (!value.isBoolean()) {
      throw mismatch(field, "true or false", value);
    }
    return value.booleanValue();
  }

  @Nullable JsonBody object(String field, Set<String> known) {
    JsonNode value = member(field);
    if (value == null) {
      return null;
    }
    if (!value.isObject()) {
      throw mismatch(field, "an object", value);
    }
    return new JsonBody(value, prefix + field + ".", known);
  }

  /** The objects of a list. */
  List<JsonBody> objects(String field, Set<String> known) {
    JsonNode value = member(field);
    if (value == null || !value.isArray()) {
      throw refuse(field, "must be a list of objects" + (value == null ? "" : found(value)));
    }
    List<JsonBody> objects = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      String element = field + "[" + i + "]";
      if (!value.get(i).isObject()) {
        throw refuse(element, "must be an object" + found(value.get(i)));
      }
      objects.add(new JsonBody(value.get(i), prefix + element + ".", known));
    }
    return objects;
  }

  /** Whether a member is a string. */
  boolean isText(String field) {
    JsonNode value = member(field);
    return value != null && value.isTextual();
  }

  /** A member as it was sent. */
  @Nullable JsonNode raw(String field) {
    return member(field);
  }

  /** The problem of a member that cannot be used. */
  ProblemException refuse(String field, String reason) {
    return Problems.field(prefix + field, "'%s%s' %s.".formatted(prefix, field, reason));
  }

  private static String found(JsonNode value) {
    return " but is " + kind(value);
  }

  private @Nullable JsonNode member(String field) {
    JsonNode value = object.get(field);
    return value == null || value.isNull() ? null : value;
  }

  private void rejectUnknown(Set<String> known) {
    for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!known.contains(name)) {
        throw Problem.of(
                400,
                "unknown-field",
                "There is no field '%s%s'; known are %s."
                    .formatted(prefix, name, String.join(", ", new TreeSet<>(known))))
            .with("field", prefix + name)
            .asException();
      }
    }
  }

  /** Escapes can spell half a character, which is no text. */
  private static String text(JsonNode value, String field) {
    if (!value.isTextual()) {
      throw Problems.field(field, "'%s' must be a string but is %s.".formatted(field, kind(value)));
    }
    String text = value.textValue();
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw Problems.field(field, "'%s' holds half a character.".formatted(field));
    }
    return text;
  }

  private ProblemException mismatch(String field, String expected, JsonNode found) {
    return refuse(field, "must be " + expected + found(found));
  }

  private static String kind(JsonNode value) {
    return switch (value.getNodeType()) {
      case ARRAY -> "a list";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case NUMBER -> "the number " + shortened(value.asText());
      case BOOLEAN -> value.asText();
      case NULL -> "null";
      default -> "something else";
    };
  }

  private static String shortened(String number) {
    return number.length() <= 30 ? number : number.substring(0, 30) + "...";
  }
}
