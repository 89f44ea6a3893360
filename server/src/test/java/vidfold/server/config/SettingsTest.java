package vidfold.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.server.config.Settings.Flag;

class SettingsTest {
  @TempDir Path folder;

  @Test
  void shouldTakeTheDefaultUnlessGiven() {
    assertThat(read(null, Map.of()).get(ConfigKeys.HTTP_PORT)).isEqualTo(8000);
  }

  @Test
  void shouldLetFlagsWinOverEnvironmentOverFileOverDefaults() throws IOException {
    Path file = file("# a remark\nhttp:\n  port: 1\n  host: ::1\nengine.max-running: 3\n");
    Map<String, String> environment =
        Map.of("VIDFOLD_HTTP_PORT", "2", "VIDFOLD_ENGINE_MAX_RUNNING", "4");

    Settings settings = read(file, environment, new Flag("--port", "http.port", "9"));

    assertThat(settings.get(ConfigKeys.HTTP_PORT)).isEqualTo(9);
    assertThat(settings.get(ConfigKeys.ENGINE_RUNNING)).isEqualTo(4);
    assertThat(settings.get(ConfigKeys.HTTP_HOST)).isEqualTo("::1");
    assertThat(settings.get(ConfigKeys.ENGINE_QUEUE)).isEqualTo(64);
    assertThat(settings.given(ConfigKeys.HTTP_PORT).origin()).isEqualTo("--port");
  }

  @Test
  void shouldRefuseAnUnknownKeyOfTheFile() throws IOException {
    Path file = file("http.prot: 1\n");
    assertThatThrownBy(() -> read(file, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("unknown key 'http.prot' in file " + file + "; did you mean 'http.port'?");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{http.port: 1, http: {port: 2}} | expected each key once but found 'http.port' twice",
        "{http: {port: [1, 2]}} | expected one value for 'http.port' but found a list",
        "{http: {port: }} | expected one value for 'http.port' but found none",
        "[http.port] | expected key: value but found something else",
      })
  void shouldNameTheDefectOfTheFile(String yaml, String defect) throws IOException {
    Path file = file(yaml);
    assertThatThrownBy(() -> read(file, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("file " + file + ": " + defect);
  }

  @Test
  void shouldNameTheLineThatIsNoYaml() throws IOException {
    Path file = file("http.port: 1\nhttp.host: 'x\n");
    assertThatThrownBy(() -> read(file, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(file + ", line ");
  }

  @Test
  void shouldTakeValuesAsTheyAreWritten() throws IOException {
    Settings settings = read(file("http.port: 0900\nanswer.seed: 9007199254740993\n"), Map.of());
    assertThat(settings.get(ConfigKeys.HTTP_PORT)).isEqualTo(900);
    assertThat(settings.get(ConfigKeys.ANSWER_SEED)).isEqualTo(9007199254740993L);
  }

  @Test
  void shouldTakeAnEmptyFile() throws IOException {
    assertThat(read(file("# nothing\n"), Map.of()).get(ConfigKeys.HTTP_PORT)).isEqualTo(8000);
  }

  @Test
  void shouldRefuseAnUnknownVariable() {
    assertThatThrownBy(() -> read(null, Map.of("VIDFOLD_HTTP_PROT", "1")))
        .hasMessage(
            "unknown environment variable VIDFOLD_HTTP_PROT; did you mean VIDFOLD_HTTP_PORT?");
  }

  @Test
  void shouldLeaveVariablesOfOthersAlone() {
    Map<String, String> environment =
        Map.of(
            "PATH",
            "/bin",
            "VIDFOLD_JAVA_OPTS",
            "-Xmx2g",
            "VIDFOLD_PYTHON",
            "y",
            "VIDFOLD_CONFIG",
            "x");
    assertThat(read(null, environment).get(ConfigKeys.HTTP_HOST)).isEqualTo("127.0.0.1");
  }

  @Test
  void shouldRefuseAnUnknownKeyOfAFlag() {
    assertThatThrownBy(() -> read(null, Map.of(), new Flag("--set", "answer.retenton", "1")))
        .hasMessage("unknown key 'answer.retenton' in --set; did you mean 'answer.retention'?");
    assertThatThrownBy(() -> read(null, Map.of(), new Flag("--set", "foo", "1")))
        .hasMessage("unknown key 'foo' in --set; 'vidfold config' prints every key");
  }

  @Test
  void shouldNameAMissingFile() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> read(missing, Map.of()))
        .hasMessage("there is no configuration file " + missing);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "http.port | 70000 | a whole number from 0 to 65535",
        "http.port | many | a whole number from 0 to 65535",
        "http.max-connections | 0 | a whole number of at least 1",
        "http.max-json | 1000 | a size of at least 1024 bytes and at most 2147483647, such as 512MiB or 4GiB",
        "http.idle-timeout | 30 | a duration such as 500ms, 30s, 10m or 3h above 0",
        "http.idle-timeout | 0s | a duration such as 500ms, 30s, 10m or 3h above 0",
        "model.device | gpu | auto, cpu, cuda:N or cuda:N,cuda:M",
        "model.dtype | f16 | one of [auto, f32, bf16]",
        "answer.retention | 0 | a number above 0 and at most 1, or 'auto'",
        "answer.retention | NaN | a number above 0 and at most 1, or 'auto'",
        "answer.temperature | -0.1 | a number from 0 to 2",
        "answer.merge-layer | -1 | a whole number from 0 to 1000, or 'model'",
        "answer.seed | 1.5 | a whole number",
        "engine.prefix-cache | 2GB | a size, such as 512MiB or 4GiB, or 'auto'",
        "engine.conversations | 999999999999TiB | a size, such as 512MiB or 4GiB",
      })
  void shouldNameKeyFoundAndExpected(String key, String found, String expected) {
    assertThatThrownBy(() -> read(null, Map.of(), new Flag("--set", key, found)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("%s (from --set): expected %s but found '%s'".formatted(key, expected, found));
  }

  @ParameterizedTest
  @CsvSource({"512, 512", "1KiB, 1024", "3MiB, 3145728", "2 GiB, 2147483648"})
  void shouldReadSizes(String text, long bytes) {
    Settings settings = read(null, Map.of(), new Flag("--set", "engine.conversations", text));
    assertThat(settings.get(ConfigKeys.ENGINE_CONVERSATIONS)).isEqualTo(bytes);
  }

  @Test
  void shouldTakeThePrefixCacheFromTheDeviceUnlessItIsGiven() {
    ServerConfig auto = ServerConfig.of(read(null, Map.of()));
    assertThat(auto.autoPrefixCache()).isTrue();
    assertThat(auto.engine().prefixCacheBytes()).isEqualTo(2L << 30);
    long free = 80L << 30;
    assertThat(auto.engine().onDeviceWith(free).prefixCacheBytes())
        .isEqualTo((70L << 30) - 2 * (512 << 20) - (1L << 30));
    assertThat(auto.engine().onDeviceWith(1 << 30).prefixCacheBytes()).isZero();
    ServerConfig given =
        ServerConfig.of(read(null, Map.of(), new Flag("--set", "engine.prefix-cache", "3GiB")));
    assertThat(given.autoPrefixCache()).isFalse();
    assertThat(given.engine().prefixCacheBytes()).isEqualTo(3L << 30);
  }

  @ParameterizedTest
  @CsvSource({"250ms, 250", "2s, 2000", "3m, 180000", "1h, 3600000"})
  void shouldReadDurations(String text, long millis) {
    Settings settings = read(null, Map.of(), new Flag("--set", "http.drain-grace", text));
    assertThat(settings.get(ConfigKeys.HTTP_DRAIN_GRACE)).hasMillis(millis);
  }

  @Test
  void shouldFindTheHomeFolder() {
    assertThat(read(null, Map.of()).get(ConfigKeys.DATA_FOLDER))
        .isEqualTo(Path.of(System.getProperty("user.home"), ".local/share/vidfold"));
  }

  @Test
  void shouldGiveEveryKeyANameAndAVariableOfItsOwn() {
    Set<String> names = new HashSet<>();
    Set<String> variables = new HashSet<>();
    for (ConfigKey<?> key : ConfigKeys.all()) {
      assertThat(key.name()).matches("[a-z]+\\.[a-z]+(-[a-z]+)*");
      assertThat(names.add(key.name())).as(key.name()).isTrue();
      assertThat(variables.add(key.environmentName())).as(key.environmentName()).isTrue();
    }
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("vidfold.yaml"), text);
  }

  private static Settings read(
      @Nullable Path file, Map<String, String> environment, Flag... flags) {
    return Settings.read(file, environment, List.of(flags));
  }
}
