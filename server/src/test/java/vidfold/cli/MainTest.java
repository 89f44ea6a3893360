package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.server.config.ConfigKeys;

class MainTest {
  @TempDir Path folder;

  @Test
  void shouldPrintItsVersion() {
    Typed typed = Typed.run(Map.of(), "version");
    assertThat(typed.code()).isZero();
    assertThat(typed.out()).startsWith("vidfold ").contains("Java " + Runtime.version().feature());
    assertThat(Typed.run(Map.of(), "--version").out()).isEqualTo(typed.out());
  }

  @Test
  void shouldAskForACommand() {
    Typed typed = Typed.run(Map.of());
    assertThat(typed.code()).isEqualTo(2);
    assertThat(typed.err().lines())
        .containsExactly("vidfold: a command is missing; see 'vidfold --help'");
  }

  @Test
  void shouldNameAnUnknownFlagOnOneLine() {
    Typed typed = Typed.run(Map.of(), "ask", "--what", "clip.mp4", "Why?");
    assertThat(typed.code()).isEqualTo(2);
    assertThat(typed.err().lines()).hasSize(1).first().asString().contains("--what");
  }

  @ParameterizedTest
  @ValueSource(strings = {"serve", "doctor", "config"})
  void shouldNotStartWithAnUnknownKey(String command) {
    Typed typed = Typed.run(Map.of("VIDFOLD_HTTP_PROT", "1"), command);
    assertThat(typed.code()).isEqualTo(2);
    assertThat(typed.err().lines())
        .containsExactly(
            "vidfold: unknown environment variable VIDFOLD_HTTP_PROT; did you mean VIDFOLD_HTTP_PORT?");
  }

  @Test
  void shouldPrintTheStackTraceWhenVerbose() {
    Typed typed = Typed.run(Map.of(), "config", "--verbose", "--set", "http.port=x");
    assertThat(typed.code()).isEqualTo(2);
    assertThat(typed.err())
        .startsWith("vidfold: http.port (from --set): expected a whole number from 0 to 65535")
        .contains("\tat vidfold.server.config.");
  }

  @Test
  void shouldReadTheFileThatTheEnvironmentNames() throws IOException {
    Path file = Files.writeString(folder.resolve("c"), "http.port: 81\n");
    Typed typed = Typed.run(Map.of("VIDFOLD_CONFIG", file.toString()), "config");
    assertThat(typed.outLines()).contains("http.port: 81");
  }

  @Test
  void shouldPrintAConfigurationThatIsItselfAFile() throws IOException {
    Typed first =
        Typed.run(Map.of("VIDFOLD_HTTP_HOST", "::1"), "config", "--set", "answer.retention=0.3");
    Path file = Files.writeString(folder.resolve("c"), first.out());
    Typed second = Typed.run(Map.of(), "config", "--config", file.toString());

    assertThat(first.code()).isZero();
    assertThat(second.code()).isZero();
    assertThat(second.outLines())
        .filteredOn(line -> !line.startsWith("#"))
        .containsExactlyElementsOf(
            first.outLines().stream().filter(line -> !line.startsWith("#")).toList())
        .contains("answer.retention: 0.3", "http.host: '::1'");
  }

  @Test
  void shouldPrintTheTableOfKeys() {
    Typed typed = Typed.run(Map.of(), "config", "--markdown");
    assertThat(typed.outLines()).hasSize(ConfigKeys.all().size() + 2);
  }
}
