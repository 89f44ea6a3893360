package vidfold.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import vidfold.server.config.ServerConfig;
import vidfold.server.http.HttpConfig;

/** {@code vidfold eval}: accuracy per family of the answers that a server gives. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Ask the questions of a file through the REST API and print the accuracy per family.")
final class Eval implements Callable<Integer> {
  private static final int MAX_ANSWER_TOKENS = 64;

  private final Map<String, String> environment;
  private final ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "QUESTIONS",
      description = "A questions.jsonl file; its videos lie beside it.")
  private Path file;

  @Option(
      names = "--url",
      description = "The server to ask; without it one is started for the evaluation.")
  private @Nullable URI url;

  @Option(
      names = "--retention",
      split = ",",
      paramLabel = "R",
      description = "Share of visual tokens to keep, one column each (default: the server's).")
  private @Nullable List<Double> retentions;

  @Option(names = "--reducer", description = "Reducer (default: the server's).")
  private @Nullable String reducer;

  @Option(names = "--mode", description = "reference or strict (default: the server's).")
  private @Nullable String mode;

  @Option(names = "--merge-layer", description = "Merge layer (default: the server's).")
  private @Nullable Integer mergeLayer;

  @Option(
      names = "--question-reducer",
      description = "none, fastv, ustc, dycoke or framefusion (default: the server's).")
  private @Nullable String questionReducer;

  @Option(
      names = "--question-retention",
      description = "Share of tokens that a question sees (default: the server's).")
  private @Nullable Double questionRetention;

  @Option(
      names = "--question-layer",
      description = "Layer from which on it does (default: the server's).")
  private @Nullable Integer questionLayer;

  @Option(
      names = "--max-frames",
      split = ",",
      paramLabel = "N",
      description = "The most frames to sample, one column each (default: the server's).")
  private @Nullable List<Integer> maxFrames;

  @Option(
      names = "--multi-turn",
      description = "Ask the questions of a video as the turns of one session.")
  private boolean multiTurn;

  @Option(names = "--limit", description = "Ask about the first N videos only.")
  private @Nullable Integer limit;

  @Option(
      names = "--concurrency",
      defaultValue = "2",
      description = "Videos asked about at a time (default: ${DEFAULT-VALUE}).")
  private int concurrency = 2;

  @Option(names = "--json", description = "Print JSON instead of tables.")
  private boolean asJson;

  @Option(
      names = "--answers",
      paramLabel = "FILE",
      description = "Write every question with its answer to this file, a JSON object a line.")
  private @Nullable Path answersFile;

  Eval(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<EvalQuestion> questions = read();
    List<Map<String, Object>> variants = variants();
    Path folder = file.toAbsolutePath().resolveSibling("");
    Evaluation.Plan plan = new Evaluation.Plan(folder, variants, multiTurn, concurrency);
    if (url != null) {
      evaluate(url, questions, plan);
      return 0;
    }
    ServerConfig config = ConfigFlags.config(spec, environment);
    try (ScratchFolder scratch = new ScratchFolder(config.video().ffmpegCache());
        ServerAssembly server = ServerAssembly.open(config.inTemporaryFolder(scratch.path()))) {
      int port = server.listen(anyPort());
      evaluate(URI.create("http://127.0.0.1:" + port), questions, plan);
    }
    return 0;
  }

  private static HttpConfig anyPort() {
    HttpConfig usual = HttpConfig.defaults();
    return new HttpConfig(
        "127.0.0.1",
        0,
        usual.maxConnections(),
        usual.maxJsonBytes(),
        usual.idleTimeout(),
        usual.drainGrace());
  }

  private List<EvalQuestion> read() throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new ParameterException(
          spec.commandLine(), "expected a file of questions but found '" + file + "'");
    }
    List<EvalQuestion> all;
    try {
      all = EvalQuestion.read(file);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), Main.message(e), e);
    }
    if (limit == null) {
      return all;
    }
    List<String> videos = all.stream().map(EvalQuestion::video).distinct().limit(limit).toList();
    return all.stream().filter(question -> videos.contains(question.video())).toList();
  }

  /** One question body for each combination of retention and frames. */
  private List<Map<String, Object>> variants() {
    List<Map<String, Object>> variants = new ArrayList<>();
    for (Double retention : retentions == null ? noneOf(Double.class) : retentions) {
      for (Integer frames : maxFrames == null ? noneOf(Integer.class) : maxFrames) {
        Map<String, Object> body = new LinkedHashMap<>();
        put(body, "reducer", reducer);
        put(body, "mode", mode);
        put(body, "retention", retention);
        put(body, "merge_layer", mergeLayer);
        put(body, "question_reducer", questionReducer);
        put(body, "question_retention", questionRetention);
        put(body, "question_layer", questionLayer);
        put(body, "max_frames", frames);
        body.put("temperature", 0);
        body.put("max_tokens", MAX_ANSWER_TOKENS);
        variants.add(body);
      }
    }
    return variants;
  }

  /** A list with one null: the server's own value. */
  private static <T> List<@Nullable T> noneOf(Class<T> type) {
    List<@Nullable T> one = new ArrayList<>();
    one.add(null);
    return one;
  }

  private static void put(Map<String, Object> body, String name, @Nullable Object value) {
    if (value != null) {
      body.put(name, value);
    }
  }

  private void evaluate(URI server, List<EvalQuestion> questions, Evaluation.Plan plan)
      throws IOException, InterruptedException {
    Evaluation evaluation = new Evaluation(new EvalClient(server), plan);
    long start = System.nanoTime();
    List<EvalScore> scores;
    try (Writer answers = answersWriter()) {
      scores = evaluation.run(questions, this::progress, asked -> write(answers, asked));
    }
    print(scores, plan, (System.nanoTime() - start) / 1e9);
  }

  private Writer answersWriter() throws IOException {
    return answersFile == null ? Writer.nullWriter() : Files.newBufferedWriter(answersFile);
  }

  private static void write(Writer to, Evaluation.Asked asked) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("video", asked.question().video());
    line.put("family", asked.question().family());
    line.put("variant", asked.variant());
    line.put("prompt", asked.question().text());
    line.put("answer", asked.question().answer());
    line.put("given", asked.given().text());
    line.put("right", asked.right());
    try {
      to.write(new ObjectMapper().writeValueAsString(line) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void progress(String text) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("vidfold: " + text);
    err.flush();
  }

  private void print(List<EvalScore> scores, Evaluation.Plan plan, double seconds)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (asJson) {
      List<Map<String, Object>> all = new ArrayList<>();
      for (int i = 0; i < scores.size(); i++) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("options", plan.variants().get(i));
        one.put("multi_turn", plan.multiTurn());
        one.putAll(scores.get(i).tree());
        all.add(one);
      }
      out.println(json.writeValueAsString(Map.of("seconds", seconds, "variants", all)));
    } else {
      for (int i = 0; i < scores.size(); i++) {
        out.println(plan.variants().get(i));
        out.println(scores.get(i).table());
      }
      out.printf("%.0f s%n", seconds);
    }
    out.flush();
  }
}
