package vidfold.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import vidfold.model.ModelInfo;
import vidfold.model.SamplingParams;
import vidfold.server.config.ModelConfig;
import vidfold.server.config.ServerConfig;
import vidfold.server.config.VideoConfig;
import vidfold.server.engine.Answer;
import vidfold.server.engine.Question;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;
import vidfold.video.FfmpegProgram;
import vidfold.video.SyntheticClip;

/**
 * {@code vidfold doctor}: checks what a server needs on this machine, one line each, then that an
 * answer from the cached prefix is the answer without it, token by token.
 */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = "Check this machine, the model, and that cached answers equal uncached ones.")
final class Doctor implements Callable<Integer> {
  private static final int NEEDED_JAVA = 17;
  private static final SyntheticClip.Shape CLIP = new SyntheticClip.Shape(320, 240, 4, 12);
  private static final List<String> QUESTIONS =
      List.of(
          "What is shown?", "Which color is in the middle?", "Describe the video in one sentence.");

  /** Alternatives that are compared for each token. */
  private static final int LOGPROBS = 3;

  private final Map<String, String> environment;
  private boolean healthy = true;

  @Spec private CommandSpec spec;

  /** One check: returns what was found, throws what is wrong. */
  private interface Check {
    String run() throws IOException;
  }

  Doctor(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    ServerConfig config = ConfigFlags.config(spec, environment);
    check("java", Doctor::java);
    check("memory", Doctor::memory);
    check("disk", () -> disk(config.video()));
    check("ffmpeg", () -> ffmpeg(ServerAssembly.ffmpeg(config.video())));
    check("pytorch", () -> pytorch(config.model().torch()));
    check("model", () -> model(config.model()));
    if (healthy) {
      check("answers", () -> answers(config));
    } else {
      line("skip", "answers", "a check before it failed");
    }
    return healthy ? 0 : 1;
  }

  private void check(String name, Check check) {
    try {
      line("ok", name, check.run());
    } catch (IOException | RuntimeException | LinkageError e) {
      healthy = false;
      line("FAIL", name, Main.message(e));
    }
  }

  private void line(String result, String name, String text) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf("%-4s  %-8s  %s%n", result, name, text);
    out.flush();
  }

  private static String java() {
    int feature = Runtime.version().feature();
    if (feature < NEEDED_JAVA) {
      throw new IllegalStateException("expected Java 17 or newer but found " + feature);
    }
    return Runtime.version()
        + ", "
        + System.getProperty("os.name")
        + " "
        + System.getProperty("os.arch");
  }

  private static String memory() {
    Runtime runtime = Runtime.getRuntime();
    return "%d cores, heap of up to %d MiB"
        .formatted(runtime.availableProcessors(), runtime.maxMemory() >> 20);
  }

  /** The data folder may be in use by a running server, so it is looked at from outside. */
  private static String disk(VideoConfig config) throws IOException {
    Path folder = config.dataFolder().toAbsolutePath().normalize();
    @Nullable Path there = folder;
    while (there != null && !Files.exists(there)) {
      there = there.getParent();
    }
    if (there == null || !Files.isDirectory(there) || !Files.isWritable(there)) {
      throw new IllegalStateException(
          "expected a folder that can be written for data.folder but found " + folder);
    }
    long free = Files.getFileStore(there).getUsableSpace();
    if (free < config.library().freeDiskFloor()) {
      throw new IllegalStateException(
          "expected video.free-disk-floor of %d bytes for %s but %d are free"
              .formatted(config.library().freeDiskFloor(), folder, free));
    }
    return "%s, %.1f GiB free".formatted(folder, free / (double) (1L << 30));
  }

  private static String ffmpeg(FfmpegProgram program) {
    return program.version()
        + (program.limitsMemory() ? "" : "; warning: no prlimit, so its memory is not limited");
  }

  private static String pytorch(TorchConfig config) {
    try (Torch torch = Torch.start(config)) {
      return "%s, %s in %s".formatted(torch.version(), torch.deviceName(), torch.dtype().label());
    }
  }

  private static String model(ModelConfig config) {
    try (ServerAssembly.Loaded loaded = ServerAssembly.Loaded.open(config)) {
      ModelInfo model = loaded.llm().info();
      return "%s, %s, %d layers, %s weights, %s"
          .formatted(model.name(), model.family(), model.layers(), model.weights(), model.digest());
    }
  }

  /** Asks every question from a cached prefix, then each from a prefix that is built anew. */
  private String answers(ServerConfig config) throws IOException {
    try (ScratchFolder scratch = new ScratchFolder(config.video().ffmpegCache());
        ServerAssembly server = ServerAssembly.open(config.inTemporaryFolder(scratch.path()))) {
      Path clip = scratch.path().resolve("clip.mp4");
      SyntheticClip.write(ServerAssembly.ffmpeg(config.video()), CLIP, clip);
      OneVideo video = OneVideo.store(server, clip);
      Answer first = ask(video, server, QUESTIONS.get(0), false);
      List<Answer> cached = new ArrayList<>();
      for (String question : QUESTIONS) {
        cached.add(ask(video, server, question, true));
      }
      int tokens = 0;
      for (int i = 0; i < QUESTIONS.size(); i++) {
        video.forget();
        requireEqual(cached.get(i), ask(video, server, QUESTIONS.get(i), false));
        tokens += cached.get(i).usage().completionTokens();
      }
      return "cached = uncached, %d tokens and their logprobs; first token after %.0f ms cold, %.0f ms cached"
          .formatted(
              tokens,
              first.receipt().ms().firstToken(),
              cached.get(cached.size() - 1).receipt().ms().firstToken());
    }
  }

  private static void requireEqual(Answer cached, Answer uncached) {
    if (!cached.tokens().equals(uncached.tokens())
        || !Objects.equals(cached.logprobs(), uncached.logprobs())) {
      throw new IllegalStateException(
          "expected the answer without a cache, '%s' %s, but with one it is '%s' %s"
              .formatted(
                  uncached.answer(), uncached.logprobs(), cached.answer(), cached.logprobs()));
    }
  }

  private static Answer ask(
      OneVideo video, ServerAssembly server, String question, boolean expectedHit) {
    Question.Options usual = server.defaults();
    Question.Options compared =
        new Question.Options(
            usual.prefix(),
            usual.frames(),
            new SamplingParams(0, 1, 0, 1, 0, LOGPROBS),
            usual.maxTokens());
    Answer answer = video.ask(question, compared);
    if (answer.receipt().cache().hit() != expectedHit) {
      throw new IllegalStateException(
          "expected cache.hit %s for '%s' but found %s"
              .formatted(expectedHit, question, !expectedHit));
    }
    return answer;
  }
}
