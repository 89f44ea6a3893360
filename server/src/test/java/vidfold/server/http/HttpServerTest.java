package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import vidfold.merging.MergeSpec;

class HttpServerTest {
  @TempDir Path folder;
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.open(folder);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldTellWhatItIs() throws Exception {
    assertThat(server.get("/version").json().get("version").asText()).isEqualTo("1.2.3");
    assertThat(server.get("/").json().get("name").asText()).isEqualTo("vidfold");
    assertThat(server.get("/health/live").status()).isEqualTo(200);
  }

  @Test
  void shouldListTheModelInTheShapeOfOpenAi() throws Exception {
    TestServer.Response models = server.get("/v1/models");

    assertThat(models.header("content-type")).isEqualTo("application/json");
    assertThat(models.header("date"))
        .matches("[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} [\\d:]{8} GMT");
    assertThat(models.header("x-content-type-options")).isEqualTo("nosniff");
    assertThat(models.json().get("object").asText()).isEqualTo("list");
    assertThat(models.json().at("/data/0/id").asText()).isEqualTo("fake");
    assertThat(models.json().at("/data/0/object").asText()).isEqualTo("model");
    assertThat(models.json().at("/data/0/digest").asText()).isEqualTo("sha256:fake");
    assertThat(models.json().at("/data/0/weights").asText()).isEqualTo("stored");
    assertThat(models.json().at("/data/0/published"))
        .hasToString(
            "{\"merge_layer\":2,\"fps\":1.0,\"min_frames\":64,\"max_frames\":128,"
                + "\"sttm\":[{\"retention\":0.5,\"spatial_threshold\":0.85,\"temporal_threshold\":0.55}]}");
    assertThat(models.json().at("/data/0/reducers")).hasSize(MergeSpec.REDUCERS.size());
  }

  @Test
  void shouldBeReadyOnlyWhileTheEngineAccepts() throws Exception {
    assertThat(server.get("/health/ready").status()).isEqualTo(200);

    server.accepting = false;

    assertThat(server.get("/health/ready").status()).isEqualTo(503);
    assertThat(server.get("/health/ready").problem()).isEqualTo("stopping");
    assertThat(server.get("/health/live").status()).isEqualTo(200);
  }

  @Test
  void shouldMeasureRequestsByTemplate() throws Exception {
    server.get("/v1/videos/vid_1");
    server.get("/somewhere/else");

    TestServer.Response metrics = server.get("/metrics");

    assertThat(metrics.header("content-type")).startsWith("text/plain; version=0.0.4");
    assertThat(metrics.text())
        .contains(
            "vidfold_http_requests_seconds_count{method=\"GET\",route=\"/v1/videos/{id}\",status=\"404\"} 1")
        .contains("status=\"404\",le=\"0.2\"}")
        .contains("route=\"unmatched\"")
        .contains("vidfold_http_in_flight 1.0")
        .contains("vidfold_http_connections 1.0")
        .doesNotContain("vid_1")
        .doesNotContain("somewhere");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/nothing", "/v1", "/v1/nothing/", "/v1/videos/a/b", "/v1/videos/a%2Fb/c", "//"})
  void shouldSayThatThereIsNoSuchRoute(String path) throws Exception {
    TestServer.Response response = server.get(path);

    assertThat(response.status()).isEqualTo(404);
    assertThat(response.header("content-type")).isEqualTo("application/problem+json");
    assertThat(response.json().get("type").asText())
        .isEqualTo("https://vidfold.dev/problems/no-such-route");
    assertThat(response.json().get("title").asText()).isEqualTo("No such route");
    assertThat(response.json().get("status").asInt()).isEqualTo(404);
    assertThat(response.json().get("request_id").asText())
        .isEqualTo(response.header("x-request-id"));
  }

  @Test
  void shouldNameTheAllowedMethods() throws Exception {
    TestServer.Response response =
        server.send(server.request("/v1/videos/vid_1").method("PATCH", noBody()));

    assertThat(response.status()).isEqualTo(405);
    assertThat(response.problem()).isEqualTo("method-not-allowed");
    assertThat(response.header("allow")).isEqualTo("DELETE, GET, HEAD, OPTIONS");
  }

  @Test
  void shouldAnswerOptions() throws Exception {
    TestServer.Response response =
        server.send(server.request("/v1/videos").method("OPTIONS", noBody()));

    assertThat(response.status()).isEqualTo(204);
    assertThat(response.header("allow")).isEqualTo("GET, HEAD, OPTIONS, POST");
    try (RawClient raw = new RawClient(server.port)) {
      raw.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(raw.read().status()).isEqualTo(204);
    }
  }

  @Test
  void shouldAnswerHeadWithoutABody() throws Exception {
    try (RawClient raw = new RawClient(server.port)) {
      raw.send("HEAD /version HTTP/1.1\r\nHost: a\r\n\r\n");
      RawClient.Response head = raw.readHead();
      raw.send("GET /version HTTP/1.1\r\nHost: a\r\n\r\n");
      RawClient.Response get = raw.read();

      assertThat(head.status()).isEqualTo(200);
      assertThat(head.headers().get("content-length"))
          .isEqualTo(get.headers().get("content-length"))
          .isEqualTo(Integer.toString(get.body().length()));
    }
  }

  @Test
  void shouldKeepWellFormedRequestIdsAndMakeOthers() throws Exception {
    assertThat(requestId("abc-1.2_3")).isEqualTo("abc-1.2_3");
    assertThat(requestId("a b")).matches("req_[0-9A-Z]{26}");
    assertThat(requestId("x".repeat(65))).matches("req_[0-9A-Z]{26}");
    assertThat(server.get("/version").header("x-request-id")).matches("req_[0-9A-Z]{26}");
  }

  private String requestId(String given) throws Exception {
    return server
        .send(server.request("/version").header("X-Request-Id", given))
        .header("x-request-id");
  }

  @Test
  void shouldLogEachRequestWithoutWhatWasSaid() throws Exception {
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger(AccessLog.class);
    logger.addAppender(lines);
    logger.setLevel(Level.INFO);
    lines.start();
    try {
      server.send(server.request("/v1/videos/secret?q=secret").header("X-Request-Id", "r1"));
      server.http.close();

      assertThat(lines.list).hasSize(1);
      assertThat(lines.list.get(0).getFormattedMessage())
          .matches("GET /v1/videos/\\{id} 404 no-such-video [0-9]+ ms r1");
    } finally {
      logger.detachAppender(lines);
      logger.setLevel(null);
    }
  }

  @Test
  void shouldAnswerPipelinedRequestsInOrder() throws Exception {
    int count = 2000;
    try (RawClient raw = new RawClient(server.port)) {
      StringBuilder requests = new StringBuilder();
      for (int i = 0; i < count; i++) {
        requests.append(
            "GET /version HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%d\r\n\r\n".formatted(i));
      }
      Thread sender =
          new Thread(
              () -> {
                try {
                  raw.send(requests.toString());
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      sender.start();
      for (int i = 0; i < count; i++) {
        assertThat(raw.read().headers()).containsEntry("x-request-id", "r" + i);
      }
      sender.join();
    }
  }

  @Test
  void shouldReadPipelinedBodies() throws Exception {
    String post =
        "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Content-Length: 21\r\n\r\n{\"video_id\": \"vid_%d\"}";
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(post.formatted(1) + post.formatted(2) + "GET /version HTTP/1.1\r\nHost: a\r\n\r\n");

      assertThat(raw.read().body()).contains("vid_1");
      assertThat(raw.read().body()).contains("vid_2");
      assertThat(raw.read().status()).isEqualTo(200);
    }
  }

  @Test
  void shouldSpeakHttp10() throws Exception {
    try (RawClient raw = new RawClient(server.port)) {
      raw.send("GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertThat(raw.read().headers()).containsEntry("connection", "keep-alive");
      raw.send("GET /version HTTP/1.0\r\n\r\n");
      assertThat(raw.read().headers()).containsEntry("connection", "close");
      assertThat(raw.isClosed()).isTrue();
    }
  }

  @Test
  void shouldTakeAnAbsoluteTarget() throws Exception {
    try (RawClient raw = new RawClient(server.port)) {
      raw.send("GET http://a/version HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(raw.read().status()).isEqualTo(200);
    }
  }

  @Test
  void shouldBeUsableUntilClosedAndThenStop() throws Exception {
    server.http.close();

    assertThatThrownBy(() -> server.get("/version")).isInstanceOf(IOException.class);
  }

  @Test
  void shouldNameAnAddressThatIsInUse() {
    HttpConfig same =
        new HttpConfig("127.0.0.1", server.port, 4, 1024, Duration.ofSeconds(1), Duration.ZERO);

    assertThatThrownBy(() -> new TestServer(folder.resolve("other"), same, TestServer.LIMITS))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("cannot listen on 127.0.0.1:" + server.port)
        .hasMessageContaining("in use");
  }

  @Test
  void shouldRefuseAConfigurationThatMakesNoSense() {
    HttpConfig good = HttpConfig.defaults();
    assertThat(List.of(good.host(), good.port())).containsExactly("127.0.0.1", 8000);
    assertThatThrownBy(
            () -> new HttpConfig("a", 70_000, 1, 1024, good.idleTimeout(), good.drainGrace()))
        .hasMessage("the port must be in [0, 65535] but was 70000");
    assertThatThrownBy(() -> new HttpConfig("a", 1, 0, 1024, good.idleTimeout(), good.drainGrace()))
        .hasMessageContaining("connections");
  }

  private static HttpRequest.BodyPublisher noBody() {
    return HttpRequest.BodyPublishers.noBody();
  }
}
