package vidfold.server.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The file name of a Content-Disposition header, as the client wrote it. */
final class FileName {
  private static final String UTF_8_TAG = "utf-8''";

  private FileName() {}

  /**
   * The extended form {@code filename*=UTF-8''..} (RFC 8187) before the plain one, which may be
   * UTF-8 or Latin-1.
   *
   * @param disposition the header, one character a byte
   */
  static @Nullable String of(MediaType disposition) {
    Optional<String> extended =
        disposition
            .parameter("filename*")
            .filter(value -> value.toLowerCase(Locale.ROOT).startsWith(UTF_8_TAG))
            .flatMap(value -> percentDecoded(value.substring(UTF_8_TAG.length())));
    return extended.or(() -> disposition.parameter("filename").map(FileName::utf8)).orElse(null);
  }

  private static Optional<String> percentDecoded(String value) {
    try {
      return Optional.of(Target.percentDecoded(value));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static String utf8(String bytes) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)))
          .toString();
    } catch (CharacterCodingException e) {
      return bytes;
    }
  }
}
