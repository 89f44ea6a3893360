package vidfold.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import vidfold.model.ModelInfo;
import vidfold.server.config.ServerConfig;
import vidfold.server.engine.Answer;

/**
 * {@code vidfold ask}: answers questions about one file in this process and keeps nothing.
 *
 * <p>Progress goes to the standard error, answers to the standard output, a line each.
 */
@Command(
    name = "ask",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Answer questions about a video file; it is encoded once for all of them.")
final class Ask implements Callable<Integer> {
  private final Map<String, String> environment;
  private final ObjectMapper json = new ObjectMapper();

  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "CLIP",
      description = "The video file, or a folder of pictures.")
  private Path clip;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "QUESTION",
      description = "Questions, each on its own.")
  private List<String> questions;

  @Option(names = "--json", description = "Print whole answer objects, as the REST API gives them.")
  private boolean asJson;

  Ask(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    ServerConfig config = ConfigFlags.config(spec, environment);
    requireFile();
    long start = System.nanoTime();
    try (ScratchFolder scratch = new ScratchFolder(config.video().ffmpegCache());
        ServerAssembly server = ServerAssembly.open(config.inTemporaryFolder(scratch.path()))) {
      ModelInfo model = server.model();
      progress(
          "%s on %s in %s, ready after %.1f s",
          model.name(), model.device(), model.dtype(), (System.nanoTime() - start) / 1e9);
      OneVideo video = OneVideo.store(server, clip);
      for (String question : questions) {
        print(video.ask(question, server.defaults()));
      }
    }
    return 0;
  }

  private void requireFile() {
    if (!(Files.isRegularFile(clip) || Files.isDirectory(clip)) || !Files.isReadable(clip)) {
      throw new ParameterException(
          spec.commandLine(),
          "expected a readable video file, or a folder of pictures, but found '" + clip + "'");
    }
    if (questions.stream().anyMatch(String::isBlank)) {
      throw new ParameterException(
          spec.commandLine(), "expected a question but found an empty text");
    }
  }

  private void print(Answer answer) throws JsonProcessingException {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        asJson ? json.writeValueAsString(answer) : answer.answer().strip().replaceAll("\\R", " "));
    out.flush();
    Answer.Receipt receipt = answer.receipt();
    progress(
        "%d frames, %d of %d visual tokens, prefix %s, %.0f ms",
        receipt.frames().size(),
        answer.usage().visualTokens().after(),
        answer.usage().visualTokens().before(),
        receipt.cache().hit() ? "from the cache" : "built",
        receipt.ms().total());
    receipt.warnings().forEach(warning -> progress("warning: %s", warning));
  }

  private void progress(String format, Object... values) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("vidfold: " + format.formatted(values));
    err.flush();
  }
}
