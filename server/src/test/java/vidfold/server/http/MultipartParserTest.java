package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MultipartParserTest {
  private static final String HEADER = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";

  /** Parts as {@code name=data}, what is before the first one as {@code =data}. */
  private static final class Collected implements MultipartParser.Sink {
    private final List<String> names = new ArrayList<>(List.of(""));
    private final List<ByteArrayOutputStream> parts =
        new ArrayList<>(List.of(new ByteArrayOutputStream()));

    @Override
    public void part(MediaType disposition) {
      names.add(disposition.parameter("name").orElse("?"));
      parts.add(new ByteArrayOutputStream());
    }

    @Override
    public void data(ByteBuffer bytes) {
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      parts.get(parts.size() - 1).writeBytes(copy);
    }

    List<String> parts() {
      List<String> all = new ArrayList<>();
      for (int i = 1; i < parts.size(); i++) {
        all.add(names.get(i) + "=" + parts.get(i).toString(StandardCharsets.ISO_8859_1));
      }
      return all;
    }
  }

  /** Cut in two at every place, and into single bytes: the same parts each time. */
  private static List<String> parse(String boundary, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.ISO_8859_1);
    List<String> whole = parse(boundary, bytes, bytes.length, bytes.length);
    for (int cut = 0; cut < bytes.length; cut++) {
      assertThat(parse(boundary, bytes, cut, bytes.length)).as("cut at %d", cut).isEqualTo(whole);
    }
    assertThat(parse(boundary, bytes, 1, 1)).isEqualTo(whole);
    return whole;
  }

  private static List<String> parse(String boundary, byte[] bytes, int first, int step) {
    Collected collected = new Collected();
    MultipartParser parser = new MultipartParser(boundary, collected);
    int at = 0;
    int count = first;
    while (at < bytes.length) {
      parser.feed(Unpooled.wrappedBuffer(bytes, at, Math.min(count, bytes.length - at)));
      at += count;
      count = step;
    }
    parser.end();
    return collected.parts();
  }

  @Test
  void shouldFindPartsWhereverTheBytesAreCut() {
    assertThat(parse("b", "--b\r\n" + HEADER + "one\r\n--b\r\n" + HEADER + "two\r\n--b--\r\n"))
        .containsExactly("a=one", "a=two");
  }

  @Test
  void shouldSkipWhatIsAroundTheParts() {
    assertThat(parse("b", "before\r\n--b \t\r\n" + HEADER + "x\r\n--b--after\r\n--b\r\n"))
        .containsExactly("a=x");
  }

  @Test
  void shouldKeepBytesThatOnlyLookLikeABoundary() {
    String tricky = "\r\n--bc\r\n--\r\n-\r\r\n--b-\r\n--b x\r\n--b" + " ".repeat(80) + "\r\n\r\n--";
    assertThat(parse("b", "--b\r\n" + HEADER + tricky + "\r\n--b--"))
        .containsExactly("a=" + tricky);
  }

  @Test
  void shouldTakeEmptyPartsAndPartsWithoutHeaders() {
    assertThat(
            parse(
                "b",
                "--b\r\n"
                    + HEADER
                    + "\r\n--b\r\n\r\nx\r\n--b\r\n"
                    + HEADER
                    + "--b--".replace("--b--", "\r\n--b--")))
        .containsExactly("a=", "?=x", "a=");
    assertThat(parse("b", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--"))
        .containsExactly("a=");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-",
        "--",
        "----x",
        "'()+_,-./:=?",
        "a b",
        "0123456789012345678901234567890123456789012345678901234567890123456789"
      })
  void shouldTakeOddBoundaries(String boundary) {
    String data = "\r\n-\r\n--\r\n---\r";
    assertThat(
            parse(
                boundary,
                "--" + boundary + "\r\n" + HEADER + data + "\r\n--" + boundary + "--\r\n"))
        .containsExactly("a=" + data);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a ", "a\u00e9", "a\tb"})
  void shouldRefuseWhatIsNoBoundary(String boundary) {
    assertThatThrownBy(() -> new MultipartParser(boundary, new Collected()))
        .isInstanceOf(ProblemException.class);
    assertThatThrownBy(() -> new MultipartParser("x".repeat(71), new Collected()))
        .isInstanceOf(ProblemException.class);
  }

  @Test
  void shouldRefuseABodyThatEndsEarly() {
    for (String body : List.of("", "--b\r\n" + HEADER + "x", "--b\r\n" + HEADER + "x\r\n--b")) {
      byte[] bytes = body.getBytes(StandardCharsets.ISO_8859_1);
      assertThatThrownBy(() -> parse("b", bytes, bytes.length, bytes.length))
          .isInstanceOf(ProblemException.class)
          .hasMessageContaining("before its last boundary");
    }
  }

  @Test
  void shouldBoundTheHeadersOfAPart() {
    byte[] bytes = ("--b\r\nX: " + "x".repeat(10_000)).getBytes(StandardCharsets.ISO_8859_1);
    assertThatThrownBy(() -> parse("b", bytes, bytes.length, bytes.length))
        .isInstanceOf(ProblemException.class)
        .hasMessageContaining("too large");
  }
}
