package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import vidfold.server.config.ServerConfig;
import vidfold.server.config.Settings;
import vidfold.server.config.Settings.Flag;
import vidfold.video.TestClips;

/**
 * The whole server with the embedded model, over its port, with clips of real encoders. Every start
 * of an ffmpeg program leaves a folder behind (it may not write files), so starts can be counted.
 */
class EndToEndTest {
  private static final TestClips CLIPS = TestClips.shared();
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private Path starts;
  private Running server;
  private double tensorsAtStart;

  @BeforeEach
  void start() throws IOException {
    starts = Files.createDirectory(folder.resolve("starts"));
    Path programs = Files.createDirectory(folder.resolve("programs"));
    CLIPS.countedPrograms(programs, starts);
    server = Running.start(programs, folder.resolve("data"));
    tensorsAtStart = metric("vidfold_native_tensors");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** A server and where it listens. */
  private record Running(ServerAssembly parts, URI address) implements AutoCloseable {
    static Running start(Path programs, Path data) {
      List<Flag> flags =
          Stream.of(
                  List.of("model.path", "../deploy/models/demo/weights"),
                  List.of("model.device", "cpu"),
                  List.of("model.dtype", "f32"),
                  List.of("http.port", "0"),
                  List.of("data.folder", data.toString()),
                  List.of("ffmpeg.folder", programs.toString()))
              .map(pair -> new Flag("--set", pair.get(0), pair.get(1)))
              .toList();
      ServerConfig config = ServerConfig.of(Settings.read(null, Map.of(), flags));
      ServerAssembly parts = ServerAssembly.open(config);
      return new Running(parts, URI.create("http://127.0.0.1:" + parts.listen(config.http())));
    }

    @Override
    public void close() {
      parts.close();
    }
  }

  @ParameterizedTest
  @CsvSource({"none,0", "none,2", "sttm,0", "sttm,2"})
  void shouldReuseAVideoAndAnswerAsAFreshServer(String reducer, int layer) throws Exception {
    String video = upload(CLIPS.h264Mp4());
    ask(video, "What moves, and which way?", reducer, layer);
    long programsBefore = started();
    JsonNode cached = ask(video, "How many objects are there?", reducer, layer);

    assertThat(started()).isEqualTo(programsBefore);
    assertThat(cached.at("/receipt/cache/hit").asBoolean()).isTrue();
    assertThat(cached.at("/receipt/ms/vision").asDouble()).isZero();
    assertThat(cached.at("/usage/cached_tokens").asInt()).isPositive();
    assertThat(cached.at("/usage/visual_tokens/after").asInt())
        .isEqualTo(
            (int)
                Math.round(
                    cached.at("/usage/visual_tokens/before").asInt()
                        * (reducer.equals("none") ? 1 : 0.5)));

    server.close();
    server = Running.start(folder.resolve("programs"), folder.resolve("fresh"));
    JsonNode alone = ask(upload(CLIPS.h264Mp4()), "How many objects are there?", reducer, layer);
    assertThat(started()).isGreaterThan(programsBefore);
    assertThat(tokens(cached)).isEqualTo(tokens(alone)).isNotEmpty();
    assertThat(cached.get("answer")).isEqualTo(alone.get("answer"));
  }

  /** The prefix is cached once and every bit of it stays as it is. */
  @ParameterizedTest
  @CsvSource({"fastv", "ustc", "dycoke", "framefusion"})
  void shouldNarrowOneQuestionAndLeaveThePrefixAlone(String reducer) throws Exception {
    String video = upload(CLIPS.h264Mp4());
    String path = "/v1/videos/" + video + "/questions";
    String text = "How many objects are there?";
    JsonNode plain = post(path, question(text), 200);
    await(() -> metric("vidfold_prefix_bytes") > 0);
    double tensors = metric("vidfold_native_tensors");

    JsonNode narrow = post(path, question(text).put("question_reducer", reducer), 200);
    JsonNode again = post(path, question(text), 200);
    ObjectNode whole = question(text).put("question_reducer", reducer);
    JsonNode all = post(path, whole.put("question_retention", 1), 200);

    JsonNode receipt = narrow.at("/receipt/question_reducer");
    assertThat(receipt.get("name").asText()).isEqualTo(reducer);
    assertThat(receipt.get("layer").asInt()).isBetween(3, 5);
    assertThat(receipt.at("/visual_tokens/before"))
        .isEqualTo(narrow.at("/usage/visual_tokens/after"));
    assertThat(receipt.at("/visual_tokens/after").asInt())
        .isPositive()
        .isLessThan(receipt.at("/visual_tokens/before").asInt());
    assertThat(narrow.at("/receipt/cache/hit").asBoolean()).isTrue();
    assertThat(narrow.at("/receipt/variant")).isEqualTo(plain.at("/receipt/variant"));
    assertThat(plain.at("/receipt").has("question_reducer")).isFalse();
    assertThat(again.get("logprobs")).isEqualTo(plain.get("logprobs")).isNotEmpty();
    assertThat(all.get("logprobs")).isEqualTo(plain.get("logprobs"));
    await(() -> metric("vidfold_native_tensors") == tensors);
  }

  static List<Path> playable() {
    return List.of(
        CLIPS.h264Mp4(),
        CLIPS.withAudio(),
        CLIPS.vp9Webm(),
        CLIPS.rotated(90),
        CLIPS.variableRate(),
        CLIPS.withBFrames(),
        CLIPS.transportStream(),
        CLIPS.oneFrame(),
        CLIPS.truncatedMkv());
  }

  @ParameterizedTest
  @MethodSource("playable")
  void shouldAnswerAboutWhatCanBePlayed(Path clip) throws Exception {
    String video = upload(clip);
    JsonNode answer = ask(video, "What is in the video?", "sttm", 2);
    assertThat(answer.get("finish_reason").asText()).isIn("stop", "length");
    assertThat(answer.at("/receipt/frames").size()).isPositive();
    assertThat(send("DELETE", "/v1/videos/" + video, BodyPublishers.noBody()).status)
        .isEqualTo(204);
    assertNothingIsLeft();
  }

  @Test
  void shouldTurnRotatedVideos() throws Exception {
    JsonNode video = get("/v1/videos/" + upload(CLIPS.rotated(90)));
    assertThat(video.get("width").asInt()).isEqualTo(TestClips.HEIGHT);
    assertThat(video.get("height").asInt()).isEqualTo(TestClips.WIDTH);
  }

  static List<List<Object>> unplayable() {
    return List.of(
        List.of(CLIPS.audioOnly(), "no-video-stream"),
        List.of(CLIPS.audioWithCover(), "no-video-stream"),
        List.of(CLIPS.truncatedMp4(), "truncated-video"),
        List.of(CLIPS.empty(), "empty-upload|not-a-video"),
        List.of(CLIPS.text(), "not-a-video"),
        List.of(CLIPS.unsupportedCodec(), "unsupported-codec"),
        List.of(CLIPS.unsupportedContainer(), "unsupported-container|not-a-video"));
  }

  @ParameterizedTest
  @MethodSource("unplayable")
  void shouldNameWhatIsWrongAndGoOn(List<Object> given) throws Exception {
    Path clip = (Path) given.get(0);
    Response refused =
        send(
            "POST", "/v1/videos?wait=true&name=" + clip.getFileName(), BodyPublishers.ofFile(clip));
    assertThat(refused.status).as(refused.body.toString()).isBetween(400, 422);
    assertThat(refused.type).isEqualTo("application/problem+json");
    assertThat(refused.body.get("type").asText()).matches(".*/(" + given.get(1) + ")");
    assertThat(refused.body.toString()).doesNotContain(folder.toString(), "Exception", "lib");
    String fine = upload(CLIPS.h264Mp4());
    assertThat(ask(fine, "What is it?", "sttm", 0).get("answer").isTextual()).isTrue();
    send("DELETE", "/v1/videos/" + fine, BodyPublishers.noBody());
    assertNothingIsLeft();
  }

  @Test
  void shouldRememberSessionsAndVideosAcrossARestart() throws Exception {
    String video = upload(CLIPS.h264Mp4());
    ObjectNode body = JSON.createObjectNode().put("video_id", video);
    String session = post("/v1/sessions", body, 201).get("id").asText();
    String path = "/v1/sessions/" + session + "/messages";
    post(path, question("What is it?"), 200);
    post(path, question("Where is it?"), 200);
    JsonNode before = post(path, question("And then?"), 200);
    send("DELETE", "/v1/sessions/" + session, BodyPublishers.noBody());

    session = post("/v1/sessions", body, 201).get("id").asText();
    path = "/v1/sessions/" + session + "/messages";
    post(path, question("What is it?"), 200);
    post(path, question("Where is it?"), 200);
    server.close();
    server = Running.start(folder.resolve("programs"), folder.resolve("data"));
    assertThat(get("/v1/sessions/" + session).get("turns")).hasSize(2);
    JsonNode after = post(path, question("And then?"), 200);
    assertThat(tokens(after)).isEqualTo(tokens(before));
    assertThat(after.at("/receipt/cache/hit").asBoolean()).isFalse();
  }

  private String upload(Path clip) throws Exception {
    Response stored = send("POST", "/v1/videos?wait=true", BodyPublishers.ofFile(clip));
    assertThat(stored.status).as(stored.body.toString()).isEqualTo(201);
    assertThat(stored.body.get("state").asText()).isEqualTo("ready");
    return stored.body.get("id").asText();
  }

  private JsonNode ask(String video, String text, String reducer, int layer) throws Exception {
    ObjectNode question = question(text).put("reducer", reducer).put("merge_layer", layer);
    return post("/v1/videos/" + video + "/questions", question, 200);
  }

  private static ObjectNode question(String text) {
    return JSON.createObjectNode().put("question", text).put("max_tokens", 24).put("logprobs", 1);
  }

  private static List<String> tokens(JsonNode answer) {
    List<String> tokens = new ArrayList<>();
    answer.get("logprobs").forEach(token -> tokens.add(token.get("token").asText()));
    return tokens;
  }

  private JsonNode post(String path, ObjectNode body, int expected) throws Exception {
    Response response = send("POST", path, BodyPublishers.ofString(body.toString()));
    assertThat(response.status).as(response.body.toString()).isEqualTo(expected);
    return response.body;
  }

  private JsonNode get(String path) throws Exception {
    return send("GET", path, BodyPublishers.noBody()).body;
  }

  /** A response and its JSON, which is missing when there is no body. */
  private record Response(int status, String type, JsonNode body) {}

  private Response send(String method, String path, BodyPublisher body) throws Exception {
    String type = path.startsWith("/v1/videos?") ? "application/octet-stream" : "application/json";
    HttpRequest request =
        HttpRequest.newBuilder(server.address.resolve(path))
            .timeout(Duration.ofMinutes(2))
            .header("Content-Type", type)
            .method(method, body)
            .build();
    var response = http.send(request, BodyHandlers.ofByteArray());
    return new Response(
        response.statusCode(),
        response.headers().firstValue("Content-Type").orElse(""),
        JSON.readTree(response.body()));
  }

  private void assertNothingIsLeft() throws Exception {
    await(() -> ProcessHandle.current().children().noneMatch(ProcessHandle::isAlive));
    await(() -> metric("vidfold_prefix_bytes") == 0);
    await(() -> metric("vidfold_native_tensors") == tensorsAtStart);
    try (Stream<Path> files = Files.walk(folder.resolve("data"))) {
      assertThat(files.filter(Files::isRegularFile))
          .as("only the database is left")
          .allMatch(file -> file.getFileName().toString().matches("vidfold\\.db.*|lock|.*\\.so"));
    }
  }

  private double metric(String name) {
    try {
      HttpRequest request = HttpRequest.newBuilder(server.address.resolve("/metrics")).build();
      return http.send(request, BodyHandlers.ofString())
          .body()
          .lines()
          .filter(line -> line.startsWith(name + " "))
          .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
          .findFirst()
          .orElseThrow(() -> new AssertionError("there is no metric " + name));
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
      Thread.sleep(20);
    }
  }

  private long started() throws IOException {
    try (Stream<Path> all = Files.list(starts)) {
      return all.count();
    }
  }
}
