package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.torch.Script;

/** {@code deploy/gpu/check.py} on the CPU, where a Python with PyTorch is there to run it. */
class GpuCheckTest {
  private static final Path SCRIPTS = Path.of("../deploy/gpu");

  @TempDir Path folder;

  @Test
  void shouldPassEveryCheckOnTheCpu() throws IOException, InterruptedException {
    Path archives = folder.resolve("archives");
    Typed typed = Typed.run(Map.of(), "export-archives", archives.toString());
    assertThat(typed.code()).as(typed.err()).isZero();
    assertThat(archives).isDirectoryContaining("glob:**/archives.json");
    for (Script script : Script.all()) {
      assertThat(archives.resolve(script.file().replace(".py", ".pt"))).isNotEmptyFile();
    }

    Optional<String> python = python();
    if (python.isEmpty()) {
      System.out.println(
          "deploy/gpu/check.py was NOT run: neither VIDFOLD_PYTHON nor python3 is a Python with"
              + " PyTorch. Only the archives that it reads were checked.");
      return;
    }
    Path log = folder.resolve("log");
    int code =
        run(
            log,
            List.of(
                python.get(), "check.py", archives.toString(), "--device", "cpu", "--seed", "1"));
    assertThat(code).as(Files.readString(log)).isZero();
    assertThat(Files.readString(log)).contains(" checks, 0 wrong,");
  }

  @Test
  void shouldFailOnATowerThatIsWrong() throws IOException, InterruptedException {
    String source = Files.readString(SCRIPTS.resolve("reference.py"));
    assertThat(source).contains("1.702");
    Optional<String> python = python();
    if (python.isEmpty()) {
      return;
    }
    Path archives = folder.resolve("archives");
    assertThat(Typed.run(Map.of(), "export-archives", archives.toString()).code()).isZero();
    Path copy = Files.createDirectory(folder.resolve("gpu"));
    try (Stream<Path> files = Files.list(SCRIPTS)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    Files.writeString(copy.resolve("reference.py"), source.replace("1.702", "1.5"));
    Path log = folder.resolve("log");
    String vision =
        """
        import sys
        from archives import Archives
        from correctness import Correctness
        from measure import Table
        table = Table(lambda table: None)
        Correctness(Archives(sys.argv[1]), table, "cpu", 1).vision()
        sys.exit(table.wrong)
        """;
    int code = run(log, List.of(python.get(), "-c", vision, archives.toString()), copy);
    assertThat(code).as(Files.readString(log)).isEqualTo(1);
    assertThat(Files.readString(log)).contains("FAIL vision: Qwen2-VL");
  }

  /** The first of VIDFOLD_PYTHON and python3 that has PyTorch. */
  private Optional<String> python() throws IOException, InterruptedException {
    for (String name : new String[] {System.getenv("VIDFOLD_PYTHON"), "python3"}) {
      if (name != null && run(folder.resolve("probe"), List.of(name, "-c", "import torch")) == 0) {
        return Optional.of(name);
      }
    }
    return Optional.empty();
  }

  private static int run(Path log, List<String> command) throws IOException, InterruptedException {
    return run(log, command, SCRIPTS);
  }

  private static int run(Path log, List<String> command, Path in)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(new File(in.toString()))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      return -1;
    }
    if (!process.waitFor(9, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("still running after 9 minutes: " + Files.readString(log));
    }
    return process.exitValue();
  }
}
