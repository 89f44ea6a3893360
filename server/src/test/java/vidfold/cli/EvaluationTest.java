package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a server that answers "red" to every first question and echoes its options. */
class EvaluationTest {
  @TempDir private Path folder;

  private final ObjectMapper json = new ObjectMapper();
  private final List<String> calls = new CopyOnWriteArrayList<>();
  private final List<JsonNode> bodies = new CopyOnWriteArrayList<>();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
    Files.write(folder.resolve("a.mp4"), new byte[] {1});
    Files.write(folder.resolve("b.mp4"), new byte[] {2});
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void shouldAskEveryQuestionInEveryVariantAndDeleteTheVideo() throws Exception {
    List<Evaluation.Asked> asked = new ArrayList<>();
    List<EvalScore> scores =
        evaluation(false, List.of(Map.of("retention", 1.0), Map.of("retention", 0.3)))
            .run(questions(), progress -> {}, asked::add);
    assertThat(scores).hasSize(2);
    assertThat(scores.get(0).asked()).isEqualTo(3);
    assertThat(scores.get(0).accuracy()).isEqualTo(2.0 / 3);
    assertThat(asked).hasSize(6);
    assertThat(calls).containsOnlyOnce("DELETE /v1/videos/vid_1", "DELETE /v1/videos/vid_2");
    assertThat(calls.stream().filter("POST /v1/videos"::equals)).hasSize(2);
    assertThat(bodies).filteredOn(body -> body.path("retention").asDouble() == 0.3).hasSize(3);
    assertThat(scores.get(0).table()).contains("colour", "66.7%");
  }

  @Test
  void shouldAskTheQuestionsOfAVideoAsTurnsOfOneSession() throws Exception {
    evaluation(true, List.of(Map.of())).run(questions(), progress -> {}, asked -> {});
    assertThat(calls.stream().filter("POST /v1/sessions"::equals)).hasSize(2);
    assertThat(calls.stream().filter("POST /v1/sessions/ses_1/messages"::equals)).hasSize(3);
  }

  @Test
  void shouldNameAVideoThatIsMissing() {
    List<EvalQuestion> lost =
        List.of(new EvalQuestion("c.mp4", "colour", null, "What?", List.of(), null, "red"));
    assertThatThrownBy(
            () -> evaluation(false, List.of(Map.of())).run(lost, progress -> {}, asked -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("c.mp4");
  }

  @Test
  void shouldReportWhatTheServerRefuses() {
    List<EvalQuestion> refused =
        List.of(new EvalQuestion("a.mp4", "colour", null, "refuse", List.of(), null, "red"));
    assertThatThrownBy(
            () -> evaluation(false, List.of(Map.of())).run(refused, progress -> {}, asked -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("429");
  }

  private static List<EvalQuestion> questions() {
    return List.of(
        new EvalQuestion("a.mp4", "colour", "easy", "What colour?", List.of(), null, "red"),
        new EvalQuestion("a.mp4", "colour", "easy", "And now?", List.of(), null, "Red."),
        new EvalQuestion("b.mp4", "colour", "hard", "What colour?", List.of(), null, "blue"));
  }

  private Evaluation evaluation(boolean multiTurn, List<Map<String, Object>> variants) {
    URI address = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    return new Evaluation(
        new EvalClient(address), new Evaluation.Plan(folder, variants, multiTurn, 2));
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String path = exchange.getRequestURI().getPath();
    calls.add(exchange.getRequestMethod() + " " + path);
    if (exchange.getRequestMethod().equals("DELETE")) {
      exchange.sendResponseHeaders(204, -1);
    } else if (path.equals("/v1/videos")) {
      reply(exchange, 201, "{\"id\":\"vid_" + body[0] + "\",\"state\":\"ready\"}");
    } else if (path.equals("/v1/sessions")) {
      reply(exchange, 201, "{\"id\":\"ses_1\"}");
    } else {
      JsonNode question = json.readTree(body);
      bodies.add(question);
      boolean refuse = question.get("question").asText().equals("refuse");
      reply(exchange, refuse ? 429 : 200, "{\"answer\":\"red\"}");
    }
    exchange.close();
  }

  private static void reply(HttpExchange exchange, int status, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }
}
