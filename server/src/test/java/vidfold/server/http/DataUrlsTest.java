package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataUrlsTest {
  private final List<String> types = new ArrayList<>();
  private final List<byte[]> taken = new ArrayList<>();
  private final ByteArrayOutputStream open = new ByteArrayOutputStream();
  private final DataUrls urls =
      new DataUrls(
          1000,
          new DataUrls.Sink() {
            @Override
            public void beginUrl(String mediaType) {
              types.add(mediaType);
              open.reset();
            }

            @Override
            public void data(ByteBuffer bytes) {
              while (bytes.hasRemaining()) {
                open.write(bytes.get());
              }
            }

            @Override
            public void endUrl() {
              taken.add(open.toByteArray());
            }
          });

  private String feed(String json, int piece) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    for (int from = 0; from < bytes.length; from += piece) {
      urls.feed(Unpooled.wrappedBuffer(bytes, from, Math.min(piece, bytes.length - from)));
    }
    return new String(urls.json(), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 1000, 65536})
  void shouldTakeUrlsOutHoweverTheBytesArrive(int piece) {
    byte[] video = new byte[100_001];
    byte[] picture = new byte[3];
    new Random(1).nextBytes(video);
    new Random(2).nextBytes(picture);
    String escaped =
        Base64.getEncoder()
            .encodeToString(video)
            .replace("/", "\\/")
            .replace("+", "\\u002b")
            .replace("=", "\\u003D");
    String start = "{\"t\":\"\u00e9 \\\"url\\\": \",\"url\" : \"data:Video\\/mp4; a=b;base64,";
    String middle =
        "\",\"x\":[\"url\",\"data:image/png;base64,AAAA\"],\"url\":\"data:image/png;base64,";

    String kept = feed(start + escaped + middle + base64(picture) + "\"}", piece);

    assertThat(kept).isEqualTo(start + middle + "\"}");
    assertThat(types).containsExactly("video/mp4", "image/png");
    assertThat(taken).containsExactly(video, picture);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"url\":\"https://a/b,c\"}",
        "{\"url\":\"data\"}",
        "{\"url\":\"data:text/plain,AAAA\"}",
        "{\"uri\":\"data:a/b;base64,AAAA\"}",
        "{\"u\\u0072l\":\"data:a/b;base64,AAAA\"}",
        "{\"a\":\"url\",\"data:a/b;base64,AAAA\":1}",
        "{\"url\":3,\"b\":\"data:a/b;base64,AAAA\"}",
        "{\"url",
      })
  void shouldKeepEverythingElse(String json) {
    assertThat(feed(json, 5)).isEqualTo(json);
    assertThat(types).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"A", "AA=A", "A A=", "AA==BBBB", "A\\nAA", "A\\u0141AA", "\\u00zz", "%41AAA"})
  void shouldRefuseWhatIsNoBase64(String data) {
    assertThatThrownBy(() -> feed("{\"url\":\"data:a/b;base64," + data + "\"}", 100))
        .isInstanceOf(ProblemException.class)
        .hasMessageContaining("base64");
  }

  @Test
  void shouldRefuseDataAfterPaddingAlsoAcrossPieces() {
    String piece = "A".repeat((4 << 13) - 1) + "=";
    assertThatThrownBy(() -> feed("{\"url\":\"data:a/b;base64," + piece + "AAAA\"}", 100))
        .isInstanceOf(ProblemException.class)
        .hasMessageContaining("base64");
  }

  @Test
  void shouldBoundWhatItKeepsAndNotWhatItTakes() {
    assertThat(feed("{\"url\":\"data:a/b;base64," + "A".repeat(4000) + "\"}", 100)).hasSize(26);
    assertThatThrownBy(() -> feed("x".repeat(1000), 100))
        .isInstanceOf(ProblemException.class)
        .hasMessageContaining("1000 bytes");
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
