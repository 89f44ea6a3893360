package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DisplayNameTest {

  @Test
  void shouldKeepOnlyWhatFollowsTheLastSeparator() {
    assertThat(DisplayName.of("../../etc/passwd")).isEqualTo("passwd");
    assertThat(DisplayName.of("C:\\clips\\dog.mp4")).isEqualTo("dog.mp4");
    assertThat(DisplayName.of("Ferien 2024 – Müller.mp4")).isEqualTo("Ferien 2024 – Müller.mp4");
  }

  @Test
  void shouldNameWhatHasNoName() {
    assertThat(DisplayName.of(null)).isEqualTo("unnamed");
    assertThat(DisplayName.of("..")).isEqualTo("unnamed");
    assertThat(DisplayName.of("a/")).isEqualTo("unnamed");
    assertThat(DisplayName.of(" \u0000\n")).isEqualTo("unnamed");
  }

  @Test
  void shouldDropControlAndDirectionCharacters() {
    assertThat(DisplayName.of("a\r\nSet-Cookie: x\u0000\u001b[2J\u202e4pm.mp4"))
        .isEqualTo("aSet-Cookie: x[2J4pm.mp4");
    assertThat(DisplayName.of("half\ud800pair")).isEqualTo("halfpair");
  }

  @Test
  void shouldBoundTheLengthInWholeCharacters() {
    assertThat(DisplayName.of("\ud83d\udc36".repeat(500)).codePointCount(0, 400)).isEqualTo(200);
  }
}
