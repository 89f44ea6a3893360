package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.server.engine.Question;

class SessionHttpTest {
  @TempDir Path folder;
  private TestServer server;
  private String video;
  private String session;

  @BeforeEach
  void start() throws Exception {
    server = TestServer.open(folder);
    video = server.readyVideo();
    TestServer.Response created = server.post("/v1/sessions", "{\"video_id\": \"" + video + "\"}");
    assertThat(created.status()).isEqualTo(201);
    session = created.header("location");
    assertThat(session).isEqualTo("/v1/sessions/" + created.json().get("id").asText());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldAnswerEachMessageWithTheOnesBefore() throws Exception {
    TestServer.Response first = server.post(session + "/messages", "{\"content\": \"one\"}");
    TestServer.Response second =
        server.post(session + "/messages", "{\"question\": \"two\", \"max_tokens\": 3}");

    assertThat(first.status()).isEqualTo(200);
    assertThat(second.json().get("answer").asText()).isEqualTo("two");
    Question asked = server.answers.questions.get(1);
    assertThat(asked.history()).containsExactly(new Question.Turn("one", "one", List.of(7, 8)));
    assertThat("/v1/sessions/" + asked.sessionId()).isEqualTo(session);
    assertThat(asked.options().maxTokens()).isEqualTo(3);
    JsonNode stored = server.get(session).json();
    assertThat(stored.get("video_id").asText()).isEqualTo(video);
    assertThat(stored.get("turns")).hasSize(2);
    assertThat(stored.at("/turns/1/question").asText()).isEqualTo("two");
    assertThat(stored.at("/turns/1/answer/answer").asText()).isEqualTo("two");
  }

  @Test
  void shouldStoreAStreamedAnswerBeforeItIsTold() throws Exception {
    TestServer.Response response =
        server.post(session + "/messages", "{\"content\": \"one two\", \"stream\": true}");

    assertThat(response.text()).contains("event: token").contains("event: answer");
    assertThat(server.get(session).json().get("turns")).hasSize(1);
  }

  @Test
  void shouldTakeOneMessageAtATime() throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(message("{\"content\": \"slow\"}"));
      FakeAnswers.Asked asked = server.answers.next();

      TestServer.Response busy = server.post(session + "/messages", "{\"content\": \"b\"}");
      assertThat(busy.status()).isEqualTo(409);
      assertThat(busy.problem()).isEqualTo("session-busy");

      asked.answer("done");
      assertThat(raw.read().status()).isEqualTo(200);
      raw.send(message("{\"content\": \"next\"}"));
      server.answers.next().answer("done too");
      assertThat(raw.read().status()).isEqualTo(200);
    }
  }

  @Test
  void shouldBeFreeAgainAfterAClientLeftOrAQuestionFailed() throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(message("{\"content\": \"a\"}"));
      server.answers.next();
    }
    Await.until(() -> server.answers.cancelled.get() == 1);
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(message("{\"content\": \"b\"}"));
      server.answers.next().fail(new IllegalStateException("broken"));
      assertThat(raw.read().status()).isEqualTo(500);
      raw.send(message("{\"content\": \"c\"}"));
      server.answers.next().answer("c");
      assertThat(raw.read().status()).isEqualTo(200);
    }
    assertThat(server.get(session).json().get("turns")).hasSize(1);
  }

  @Test
  void shouldSayWhenASessionWasDeletedWhileItWasAnswered() throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(message("{\"content\": \"a\"}"));
      FakeAnswers.Asked asked = server.answers.next();
      assertThat(server.delete(session).status()).isEqualTo(204);
      asked.answer("too late");

      RawClient.Response response = raw.read();
      assertThat(response.status()).isEqualTo(404);
      assertThat(response.body()).contains("no-such-session");
    }
  }

  @Test
  void shouldRefuseWhatIsNotThereOrNotMeant() throws Exception {
    assertThat(server.post("/v1/sessions", "{\"video_id\": \"vid_x\"}").problem())
        .isEqualTo("no-such-video");
    assertThat(server.post("/v1/sessions", "{}").json().get("field").asText())
        .isEqualTo("video_id");
    assertThat(server.post("/v1/sessions", "{\"video\": 1}").problem()).isEqualTo("unknown-field");
    assertThat(server.get("/v1/sessions/ses_x").problem()).isEqualTo("no-such-session");
    assertThat(server.delete("/v1/sessions/ses_x").status()).isEqualTo(404);
    assertThat(server.post("/v1/sessions/ses_x/messages", "{\"content\": \"a\"}").problem())
        .isEqualTo("no-such-session");
    assertThat(server.post(session + "/messages", "{}").json().get("field").asText())
        .isEqualTo("content");
    assertThat(
            server
                .post(session + "/messages", "{\"content\": \"a\", \"question\": \"a\"}")
                .status())
        .isEqualTo(400);
    assertThat(server.post(session + "/messages", "{\"questions\": [\"a\"]}").problem())
        .isEqualTo("unknown-field");
  }

  @Test
  void shouldGoWithItsVideo() throws Exception {
    server.delete("/v1/videos/" + video);

    assertThat(server.get(session).status()).isEqualTo(404);
  }

  private String message(String body) {
    return "POST %s/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(session, body.length(), body);
  }
}
