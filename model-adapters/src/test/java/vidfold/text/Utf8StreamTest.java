package vidfold.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8StreamTest {

  @Test
  void shouldNotDependOnWhereTheBytesAreSplit() {
    Random random = new Random(5);
    for (int round = 0; round < 2000; round++) {
      byte[] bytes = round % 2 == 0 ? textBytes(random) : anyBytes(random);
      Utf8Stream whole = new Utf8Stream();
      String expected = whole.push(bytes) + whole.finish();
      Utf8Stream stream = new Utf8Stream();
      StringBuilder pieces = new StringBuilder();
      int at = 0;
      while (at < bytes.length) {
        int end = Math.min(bytes.length, at + random.nextInt(4));
        pieces.append(stream.push(Arrays.copyOfRange(bytes, at, end)));
        at = end;
      }
      assertThat(pieces + stream.finish()).isEqualTo(expected);
      if (round % 2 == 0) {
        assertThat(expected).isEqualTo(new String(bytes, StandardCharsets.UTF_8));
      }
    }
  }

  /** Table 3-8 of Unicode 15 and the edges of every row of its table 3-7. */
  @ParameterizedTest
  @CsvSource({
    "6180, a?",
    "61F1808061, a?a",
    "E1A0C2F1809162, ???b",
    "C080, ??",
    "EDA080, ???",
    "E080AF, ???",
    "F0808080, ????",
    "F4908080, ????",
    "F5, ?",
    "C2, ?",
    "E1A0, ?",
    "F09F98, ?",
    "F09F9861, ?a",
    "FF, ?",
  })
  void shouldReplaceEachMaximalSubpart(String hex, String expected) {
    Utf8Stream stream = new Utf8Stream();
    String text = stream.push(HexFormat.of().parseHex(hex)) + stream.finish();
    assertThat(text).isEqualTo(expected.replace('?', '\uFFFD'));
  }

  private static byte[] textBytes(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      int bits = 1 + random.nextInt(20);
      int point = random.nextInt(1 << bits);
      text.appendCodePoint(point >= 0xD800 && point <= 0xDFFF ? 'x' : point);
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] anyBytes(Random random) {
    byte[] leads = {(byte) 0xE0, (byte) 0xED, (byte) 0xF0, (byte) 0xF4, (byte) 0xC2, 'a'};
    byte[] bytes = new byte[random.nextInt(16)];
    random.nextBytes(bytes);
    for (int i = 0; i < bytes.length; i += 1 + random.nextInt(3)) {
      bytes[i] = leads[random.nextInt(leads.length)];
    }
    return bytes;
  }
}
