package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import vidfold.server.config.ConfigKeys;

class ReadmeTest {
  private static final String BEGIN = "<!-- config:begin -->\n";
  private static final String END = "<!-- config:end -->";

  /** {@code ./vidfold config --markdown} prints what belongs between the two marks. */
  @Test
  void shouldShowTheTableOfKeysAsItIs() throws IOException {
    String readme = Files.readString(Path.of("../README.md"));
    assertThat(readme).contains(BEGIN, END);
    assertThat(readme.substring(readme.indexOf(BEGIN) + BEGIN.length(), readme.indexOf(END)))
        .isEqualTo(ConfigKeys.markdown());
  }
}
