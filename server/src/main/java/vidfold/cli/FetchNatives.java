package vidfold.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import vidfold.torch.LibTorch;

/**
 * {@code vidfold fetch-natives}: downloads libtorch with CUDA once, into the folder where every
 * later start finds it. Nothing else of Vidfold downloads anything.
 */
@Command(
    name = "fetch-natives",
    mixinStandardHelpOptions = true,
    description =
        "Download libtorch with CUDA (several GB), check it, and keep it for later starts.")
final class FetchNatives implements Callable<Integer> {

  private final Map<String, String> environment;

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "BUILD", description = "cu128: PyTorch 2.7.1 with CUDA 12.8.")
  private String build = "";

  @Option(
      names = "--pieces",
      paramLabel = "FILE",
      description = "Fetch what this file lists instead: lines of SHA-256 and URL.")
  private @Nullable Path pieces;

  FetchNatives(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    if (!build.equals(LibTorch.CUDA_FLAVOR)) {
      throw new IllegalArgumentException(
          "expected the build " + LibTorch.CUDA_FLAVOR + " but found '" + build + "'");
    }
    Path folder = LibTorch.fetchedFolder(environment);
    if (Files.exists(folder)) {
      say("%s is there already; remove it to fetch it anew".formatted(folder));
      return 0;
    }
    NativePieces.parse(list()).fetch(folder, this::say);
    say("fetched into %s; every later start finds it".formatted(folder));
    return 0;
  }

  private String list() throws IOException {
    if (pieces != null) {
      return Files.readString(pieces);
    }
    String name = "natives-" + build + ".txt";
    try (InputStream in = FetchNatives.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("there is no resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private void say(String line) {
    spec.commandLine().getOut().println(line);
    spec.commandLine().getOut().flush();
  }
}
