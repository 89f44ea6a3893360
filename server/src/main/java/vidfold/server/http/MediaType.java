package vidfold.server.http;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A header value of the form {@code name; key=value; key="quoted value"}: Content-Type and
 * Content-Disposition.
 *
 * @param name in lower case; empty when there is no header
 * @param parameters by name in lower case, without quotes and escapes
 */
record MediaType(String name, Map<String, String> parameters) {

  static MediaType of(@Nullable String header) {
    if (header == null) {
      return new MediaType("", Map.of());
    }
    int semicolon = header.indexOf(';');
    String name = semicolon < 0 ? header : header.substring(0, semicolon);
    Map<String, String> parameters = new LinkedHashMap<>();
    if (semicolon >= 0) {
      new Parameters(header, semicolon).into(parameters);
    }
    return new MediaType(name.strip().toLowerCase(Locale.ROOT), parameters);
  }

  boolean is(String other) {
    return name.equals(other);
  }

  Optional<String> parameter(String key) {
    return Optional.ofNullable(parameters.get(key));
  }

  /** Reads parameters from the first semicolon on; what cannot be read ends the list. */
  private static final class Parameters {
    private final String text;
    private int at;

    Parameters(String text, int semicolon) {
      this.text = text;
      this.at = semicolon;
    }

    void into(Map<String, String> parameters) {
      while (at < text.length() && text.charAt(at) == ';') {
        at++;
        int equals = text.indexOf('=', at);
        int next = text.indexOf(';', at);
        if (equals < 0) {
          return;
        }
        if (next >= 0 && next < equals) {
          at = next;
          continue;
        }
        String key = text.substring(at, equals).strip().toLowerCase(Locale.ROOT);
        at = equals + 1;
        parameters.putIfAbsent(key, value());
      }
    }

    private String value() {
      while (at < text.length() && text.charAt(at) == ' ') {
        at++;
      }
      if (at < text.length() && text.charAt(at) == '"') {
        return quoted();
      }
      int end = endOfValue();
      String value = text.substring(at, end).strip();
      at = end;
      return value;
    }

    private String quoted() {
      StringBuilder value = new StringBuilder();
      at++;
      while (at < text.length() && text.charAt(at) != '"') {
        boolean escape = text.charAt(at) == '\\' && at + 1 < text.length() && isEscaped();
        if (escape) {
          at++;
        }
        value.append(text.charAt(at++));
      }
      at = endOfValue();
      return value.toString();
    }

    /** Only quotes and backslashes: browsers send the backslashes of Windows paths bare. */
    private boolean isEscaped() {
      char next = text.charAt(at + 1);
      return next == '"' || next == '\\';
    }

    private int endOfValue() {
      int semicolon = text.indexOf(';', at);
      return semicolon < 0 ? text.length() : semicolon;
    }
  }
}
