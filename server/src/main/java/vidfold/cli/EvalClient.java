package vidfold.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** The few calls of the REST API that an evaluation makes. */
final class EvalClient {

  private static final Duration INGEST_LIMIT = Duration.ofMinutes(10);
  private static final Duration POLL = Duration.ofMillis(30);

  private final ObjectMapper json = new ObjectMapper();
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  private final URI server;

  EvalClient(URI server) {
    this.server = server;
  }

  /** An answer with the figures that the score keeps. */
  record Given(String text, int tokensBefore, int tokensAfter, double firstTokenMillis) {}

  /** Uploads a file and waits until it is ready; returns its id. */
  String upload(Path file) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(server.resolve("/v1/videos"))
            .header("Content-Type", "video/mp4")
            .POST(HttpRequest.BodyPublishers.ofFile(file))
            .build();
    JsonNode video = send(request, 201, 202);
    String id = video.get("id").asText();
    long deadline = System.nanoTime() + INGEST_LIMIT.toNanos();
    while (!video.get("state").asText().equals("ready")) {
      if (video.get("state").asText().equals("failed")) {
        throw new IOException(file.getFileName() + " was refused: " + video.path("error"));
      }
      if (System.nanoTime() > deadline) {
        throw new IOException(file.getFileName() + " is not ready after " + INGEST_LIMIT);
      }
      Thread.sleep(POLL.toMillis());
      video = send(get("/v1/videos/" + id), 200);
    }
    return id;
  }

  /** Removes an uploaded video. */
  void delete(String videoId) throws IOException, InterruptedException {
    send(HttpRequest.newBuilder(server.resolve("/v1/videos/" + videoId)).DELETE().build(), 204);
  }

  /** Asks one question about a video. */
  Given ask(String videoId, String question, Map<String, Object> options)
      throws IOException, InterruptedException {
    return given(send(post("/v1/videos/" + videoId + "/questions", question, options), 200));
  }

  /** Opens a session on a video; returns its id. */
  String openSession(String videoId) throws IOException, InterruptedException {
    ObjectNode body = json.createObjectNode().put("video_id", videoId);
    return send(post("/v1/sessions", body), 201).get("id").asText();
  }

  /** Asks the next question of a session. */
  Given say(String sessionId, String question, Map<String, Object> options)
      throws IOException, InterruptedException {
    return given(send(post("/v1/sessions/" + sessionId + "/messages", question, options), 200));
  }

  private static Given given(JsonNode answer) {
    JsonNode tokens = answer.path("usage").path("visual_tokens");
    return new Given(
        answer.get("answer").asText(),
        tokens.path("before").asInt(),
        tokens.path("after").asInt(),
        answer.path("receipt").path("ms").path("first_token").asDouble());
  }

  private HttpRequest get(String path) {
    return HttpRequest.newBuilder(server.resolve(path)).GET().build();
  }

  private HttpRequest post(String path, String question, Map<String, Object> options)
      throws IOException {
    ObjectNode body = json.createObjectNode().put("question", question);
    options.forEach(body::putPOJO);
    return post(path, body);
  }

  private HttpRequest post(String path, ObjectNode body) throws IOException {
    return HttpRequest.newBuilder(server.resolve(path))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofByteArray(json.writeValueAsBytes(body)))
        .build();
  }

  private JsonNode send(HttpRequest request, int... expected)
      throws IOException, InterruptedException {
    HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
    for (int status : expected) {
      if (response.statusCode() == status) {
        return json.readTree(response.body());
      }
    }
    throw new IOException(
        request.method()
            + " "
            + request.uri().getPath()
            + " gave "
            + response.statusCode()
            + ": "
            + new String(response.body(), java.nio.charset.StandardCharsets.UTF_8));
  }
}
