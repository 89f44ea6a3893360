package vidfold.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The two scripts, with a Java and a Maven that only say how they were called. */
class StartScriptTest {
  private static final Path BIN = Path.of("src/main/assembly/bin/vidfold").toAbsolutePath();
  private static final Path ROOT = Path.of("../vidfold").toAbsolutePath();

  @TempDir Path folder;

  private record Ran(int code, List<String> lines) {}

  @Test
  void shouldStartTheDistributionItIsInThroughALinkFromAnyFolder() throws Exception {
    Path home = folder.toRealPath().resolve("dist");
    Path script = copy(BIN, home.resolve("bin/vidfold"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), script);
    Ran ran = run(Map.of("JAVA_HOME", jdk("17.0.9")), link, "ask", "a b", "c");

    assertThat(ran.code()).isZero();
    assertThat(ran.lines())
        .contains("-Dvidfold.home=" + home, home + "/lib/*", "-Dai.djl.offline=true")
        .contains("OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=1000", "THP_MEM_ALLOC_ENABLE=1")
        .endsWith("vidfold.cli.Main", "ask", "a b", "c")
        .noneMatch(line -> line.contains("native-access"));
  }

  @Test
  void shouldLetTheOperatorHaveTheLastWord() throws Exception {
    Path script = copy(BIN, folder.resolve("bin/vidfold"));
    Map<String, String> environment =
        Map.of(
            "JAVA_HOME",
            jdk("25"),
            "VIDFOLD_JAVA_OPTS",
            "-Xmx3g -Da=b",
            "OMP_WAIT_POLICY",
            "active",
            "GOMP_SPINCOUNT",
            "7");
    Ran ran = run(environment, script, "version");

    assertThat(ran.lines())
        .containsSubsequence("-Xmx1g", "--enable-native-access=ALL-UNNAMED", "-Xmx3g", "-Da=b")
        .contains("OMP_WAIT_POLICY=active", "GOMP_SPINCOUNT=7");
  }

  @Test
  void shouldNameAJavaThatIsTooOld() throws Exception {
    Ran ran = run(Map.of("JAVA_HOME", jdk("11.0.2")), BIN, "version");
    assertThat(ran.code()).isEqualTo(1);
    assertThat(ran.lines()).singleElement().asString().contains("is Java 11.0.2; expected 17");
  }

  @Test
  void shouldNameAMissingJava() throws Exception {
    Ran ran = run(Map.of("JAVA_HOME", "/missing"), BIN, "version");
    assertThat(ran.code()).isEqualTo(1);
    assertThat(ran.lines()).singleElement().asString().contains("JAVA_HOME is '/missing'");
  }

  @Test
  void shouldBuildWhenMissingAndWhenOlderThanASource() throws Exception {
    Path root = folder.resolve("checkout");
    Path script = copy(ROOT, root.resolve("vidfold"));
    Path source = root.resolve("server/src/main/java/A.java");
    Files.createDirectories(source.getParent());
    Files.writeString(source, "class A {}");
    touch(source, Instant.now().minusSeconds(60));
    Map<String, String> environment = Map.of("PATH", maven() + ":/usr/bin:/bin");

    Ran missing = run(environment, script, "x");
    assertThat(missing.lines()).containsSubsequence("maven", "distribution x");
    assertThat(run(environment, script, "y").lines()).containsExactly("distribution y");
    touch(source, Instant.now().plusSeconds(60));
    assertThat(run(environment, script, "z").lines()).contains("maven", "distribution z");
  }

  private static void touch(Path file, Instant time) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(time));
  }

  /** A JDK whose java prints its arguments, a line each. */
  private String jdk(String version) throws IOException {
    Path jdk = folder.resolve("jdk-" + version);
    script(
        jdk.resolve("bin/java"),
        "echo OMP_WAIT_POLICY=$OMP_WAIT_POLICY\n"
            + "echo GOMP_SPINCOUNT=$GOMP_SPINCOUNT\n"
            + "echo THP_MEM_ALLOC_ENABLE=$THP_MEM_ALLOC_ENABLE\n"
            + "for a in \"$@\"; do echo \"$a\"; done\n");
    Files.writeString(
        jdk.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
    return jdk.toString();
  }

  /** A folder with a Maven that makes a distribution, which prints its arguments. */
  private Path maven() throws IOException {
    script(
        folder.resolve("maven/mvn"),
        """
        echo maven
        mkdir -p server/target/vidfold/bin
        printf '#!/bin/sh\\necho distribution "$@"\\n' > server/target/vidfold/bin/vidfold
        chmod +x server/target/vidfold/bin/vidfold
        """);
    return folder.resolve("maven");
  }

  private static Path copy(Path script, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    return executable(Files.copy(script, to));
  }

  private static void script(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    executable(Files.writeString(file, "#!/bin/sh\n" + text));
  }

  private static Path executable(Path file) throws IOException {
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** Runs a script with this environment and nothing else but the system's programs. */
  private static Ran run(Map<String, String> environment, Path script, String... arguments)
      throws Exception {
    List<String> command =
        Stream.concat(Stream.of(script.toString()), Stream.of(arguments)).toList();
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Map<String, String> all = new HashMap<>(Map.of("PATH", "/usr/bin:/bin"));
    all.putAll(environment);
    builder.environment().clear();
    builder.environment().putAll(all);
    Process process = builder.directory(Path.of("/").toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Ran(process.waitFor(), out.lines().toList());
  }
}
