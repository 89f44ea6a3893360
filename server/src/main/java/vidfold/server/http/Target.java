package vidfold.server.http;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a request line asks for.
 *
 * @param segments of the path, decoded; the path {@code /} has one, which is empty
 * @param query parameters, decoded
 */
record Target(List<String> segments, Map<String, List<String>> query) {
  private static final int MAX_PARAMETERS = 64;

  Target {
    segments = List.copyOf(segments);
  }

  /** Reads {@code /path?query}, also with {@code http://host} in front; otherwise a problem. */
  static Target of(String uri) {
    try {
      QueryStringDecoder decoder =
          new QueryStringDecoder(origin(uri), StandardCharsets.UTF_8, true, MAX_PARAMETERS);
      String path = decoder.rawPath();
      if (!path.startsWith("/")) {
        throw malformed();
      }
      List<String> segments = new ArrayList<>();
      for (String segment : path.substring(1).split("/", -1)) {
        segments.add(percentDecoded(segment));
      }
      return new Target(segments, decoder.parameters());
    } catch (IllegalArgumentException e) {
      throw malformed();
    }
  }

  /** Percent-encoded UTF-8 to text; throws IllegalArgumentException for anything else. */
  static String percentDecoded(String text) {
    byte[] bytes = new byte[text.length()];
    int count = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        bytes[count++] = (byte) (digit(text, i + 1) << 4 | digit(text, i + 2));
        i += 2;
      } else if (c > ' ' && c < 127) {
        bytes[count++] = (byte) c;
      } else {
        throw new IllegalArgumentException("not percent-encoded");
      }
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, 0, count))
          .toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("not UTF-8", e);
    }
  }

  private static int digit(String text, int at) {
    int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
    if (digit < 0 || text.charAt(at) > 127) {
      throw new IllegalArgumentException("not percent-encoded");
    }
    return digit;
  }

  private static String origin(String uri) {
    int scheme = uri.indexOf("://");
    if (scheme < 0 || uri.startsWith("/")) {
      return uri;
    }
    int slash = uri.indexOf('/', scheme + 3);
    return slash < 0 ? "/" : uri.substring(slash);
  }

  private static ProblemException malformed() {
    return Problem.of(400, "malformed-request", "The request's path or query is not well-formed.")
        .asException();
  }
}
