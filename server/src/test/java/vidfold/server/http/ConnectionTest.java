package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that are broken, slow, hostile or many. */
class ConnectionTest {
  private static final String HOST = "\r\nHost: a\r\n";

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET /version HTTP/1.1~~ | 400 | malformed-request",
        "GET /version HTTP/1.1~Host: a~Host: b~~ | 400 | malformed-request",
        "GET /version HTTP/2.5~Host: a~~ | 505 | unsupported-http-version",
        "complete nonsense~~ | 400 | malformed-request",
        "GET /%zz HTTP/1.1~Host: a~~ | 400 | malformed-request",
        "GET /v1/videos/%ff HTTP/1.1~Host: a~~ | 400 | malformed-request",
        "GET /version HTTP/1.1~Host: a~Expect: miracles~~ | 417 | expectation-failed",
        "POST /v1/videos HTTP/1.1~Host: a~Content-Length: 3~Transfer-Encoding: chunked~~0~~ | 400 | malformed-request",
        "POST /v1/videos HTTP/1.1~Host: a~Content-Length: 3~Content-Length: 4~~abc | 400 | malformed-request",
        "POST /v1/videos HTTP/1.1~Host: a~Content-Length: -3~~abc | 400 | malformed-request",
        "POST /v1/videos HTTP/1.1~Host: a~Transfer-Encoding: gzip, chunked~~0~~ | 501 | unsupported-transfer-encoding",
        "POST /v1/videos HTTP/1.1~Host: a~Transfer-Encoding: chunked~~zz~abc~ | 400 | malformed-request",
        "POST /v1/sessions HTTP/1.1~Host: a~Content-Type: application/json~Content-Encoding: gzip~Content-Length: 2~~{} | 415 | unsupported-media-type",
        "POST /nowhere HTTP/1.1~Host: a~Content-Length: 3~~abc | 404 | no-such-route",
        "GET /version HTTP/1.1~Host: a~Content-Length: 5000~~ | 413 | too-large"
      })
  void shouldRefuseWhatIsNoProperRequest(String request, int status, String problem)
      throws Exception {
    try (TestServer server = TestServer.open(folder);
        RawClient raw = new RawClient(server.port)) {
      raw.send(request.replace("~", "\r\n"));
      if (request.contains("5000")) {
        raw.send(new byte[5000]);
      }
      RawClient.Response response = raw.read();

      assertThat(response.status()).isEqualTo(status);
      assertThat(response.body()).contains("/problems/" + problem + "\"");
      assertThat(server.get("/version").status()).isEqualTo(200);
    }
  }

  @Test
  void shouldBoundTheRequestLineAndTheHeaders() throws Exception {
    try (TestServer server = TestServer.open(folder)) {
      try (RawClient raw = new RawClient(server.port)) {
        raw.send("GET /" + "x".repeat(9000) + " HTTP/1.1" + HOST + "\r\n");
        assertThat(raw.read().status()).isEqualTo(414);
        assertThat(raw.isClosed()).isTrue();
      }
      try (RawClient raw = new RawClient(server.port)) {
        raw.send("GET / HTTP/1.1" + HOST + "X: " + "x".repeat(17_000) + "\r\n\r\n");
        assertThat(raw.read().status()).isEqualTo(431);
      }
    }
  }

  @Test
  void shouldKeepTheConnectionAfterAProblemWithoutABody() throws Exception {
    try (TestServer server = TestServer.open(folder);
        RawClient raw = new RawClient(server.port)) {
      raw.send("GET /nowhere HTTP/1.1" + HOST + "\r\n");
      assertThat(raw.read().status()).isEqualTo(404);
      raw.send("GET /version HTTP/1.1" + HOST + "\r\n");
      assertThat(raw.read().status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "GET /version HT",
        "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
      })
  void shouldNotWaitForSilentClients(String begin) throws Exception {
    HttpConfig usual = TestServer.config();
    HttpConfig hasty =
        new HttpConfig(
            usual.host(), 0, 4, usual.maxJsonBytes(), Duration.ofMillis(300), usual.drainGrace());
    try (TestServer server = new TestServer(folder, hasty, TestServer.LIMITS);
        RawClient raw = new RawClient(server.port)) {
      raw.send(begin);
      if (begin.endsWith("{")) {
        assertThat(raw.read().status()).isEqualTo(408);
      }
      assertThat(raw.isClosed()).isTrue();
    }
  }

  @Test
  void shouldNotLimitTheTimeOfAnswers() throws Exception {
    HttpConfig usual = TestServer.config();
    HttpConfig hasty =
        new HttpConfig(
            usual.host(), 0, 4, usual.maxJsonBytes(), Duration.ofMillis(300), usual.drainGrace());
    try (TestServer server = new TestServer(folder, hasty, TestServer.LIMITS)) {
      String video = server.readyVideo();
      server.answers.hold();
      CompletableFuture<HttpResponse<String>> asked =
          server.client.sendAsync(
              server
                  .request("/v1/videos/" + video + "/questions")
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString("{\"question\":\"a\"}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      FakeAnswers.Asked question = server.answers.next();
      Thread.sleep(900);
      question.answer("late");

      assertThat(asked.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void shouldTurnAwayConnectionsOverTheLimit() throws Exception {
    HttpConfig usual = TestServer.config();
    HttpConfig small =
        new HttpConfig(
            usual.host(), 0, 3, usual.maxJsonBytes(), usual.idleTimeout(), usual.drainGrace());
    try (TestServer server = new TestServer(folder, small, TestServer.LIMITS)) {
      List<RawClient> clients = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        RawClient raw = new RawClient(server.port);
        clients.add(raw);
        raw.send("GET /version HTTP/1.1" + HOST + "\r\n");
        assertThat(raw.read().status()).isEqualTo(200);
      }
      try (RawClient fourth = new RawClient(server.port)) {
        assertThat(fourth.read().status()).isEqualTo(503);
        assertThat(fourth.isClosed()).isTrue();
      }
      clients.get(0).close();
      Await.until(() -> accepts(server));
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  private static boolean accepts(TestServer server) throws Exception {
    try (RawClient raw = new RawClient(server.port)) {
      raw.send("GET /version HTTP/1.1" + HOST + "\r\n");
      return raw.read().status() == 200;
    } catch (IOException turnedAway) {
      return false;
    }
  }

  @Test
  void shouldFinishRunningRequestsBeforeItStops() throws Exception {
    try (TestServer server = TestServer.open(folder);
        RawClient idle = new RawClient(server.port);
        RawClient asking = new RawClient(server.port)) {
      String video = server.readyVideo();
      server.answers.hold();
      asking.send(question(video));
      FakeAnswers.Asked question = server.answers.next();
      CompletableFuture<Void> closed = CompletableFuture.runAsync(server.http::close);

      assertThat(idle.isClosed()).isTrue();
      assertThat(closed).isNotDone();
      question.answer("done");

      RawClient.Response response = asking.read();
      assertThat(response.status()).isEqualTo(200);
      assertThat(response.headers()).containsEntry("connection", "close");
      asking.close();
      closed.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void shouldCancelWhatDoesNotFinishInTheGrace() throws Exception {
    HttpConfig usual = TestServer.config();
    HttpConfig hasty =
        new HttpConfig(
            usual.host(), 0, 4, usual.maxJsonBytes(), usual.idleTimeout(), Duration.ZERO);
    try (TestServer server = new TestServer(folder, hasty, TestServer.LIMITS);
        RawClient asking = new RawClient(server.port)) {
      String video = server.readyVideo();
      server.answers.hold();
      asking.send(question(video));
      server.answers.next();

      server.http.close();

      assertThat(asking.isClosed()).isTrue();
      Await.until(() -> server.answers.cancelled.get() == 1);
    }
  }

  static String question(String video) {
    String body = "{\"question\": \"what?\"}";
    return "POST /v1/videos/%s/questions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(video, body.length(), body);
  }
}
