package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.server.engine.Question;
import vidfold.server.engine.QueueFullException;
import vidfold.video.TestClips;

class QuestionHttpTest {
  @TempDir Path folder;
  private TestServer server;
  private String path;
  private String video;

  @BeforeEach
  void start() throws Exception {
    server = TestServer.open(folder);
    video = server.readyVideo();
    path = "/v1/videos/" + video + "/questions";
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldAnswerWithTheAnswerObject() throws Exception {
    TestServer.Response response =
        server.post(path, "{\"question\": \"What colour is the \u00fcber-car \ud83d\ude97?\"}");

    assertThat(response.status()).isEqualTo(200);
    JsonNode answer = response.json();
    assertThat(answer.get("answer").asText())
        .isEqualTo("What colour is the \u00fcber-car \ud83d\ude97?");
    assertThat(answer.get("video").asText()).isEqualTo(video);
    assertThat(answer.get("finish_reason").asText()).isEqualTo("stop");
    assertThat(answer.at("/usage/visual_tokens/after").asInt()).isEqualTo(4);
    assertThat(answer.at("/receipt/cache/hit").asBoolean()).isTrue();
    assertThat(answer.at("/receipt/model_digest").asText()).isEqualTo("sha256:fake");
    assertThat(answer.has("tokens")).isFalse();
    Question asked = server.answers.questions.get(0);
    assertThat(asked.options()).isEqualTo(TestServer.DEFAULTS);
    assertThat(asked.tenant()).isEqualTo("default");
    assertThat(asked.sessionId()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'question': 'a', 'retension': 0.5} | unknown-field | retension",
        "{'question': 'a', 'thresholds': {'spatial': 1, 'x': 2}} | unknown-field | thresholds.x",
        "{'question': 'a', 'thresholds': {'spatial': 1}} | invalid-field | thresholds",
        "{'question': 'a', 'thresholds': {'spatial': 'x', 'temporal': 1}} | invalid-field | thresholds.spatial",
        "{'question': 'a', 'thresholds': {'spatial': 1, 'temporal': 1}, 'retention': 0.5} | invalid-field | thresholds",
        "{'question': 'a', 'thresholds': {'spatial': 1, 'temporal': 1}, 'retention': 'auto'} | invalid-field | thresholds",
        "{'question': 'a', 'retention': 1.5} | invalid-field | retention",
        "{'question': 'a', 'retention': 'half'} | invalid-field | retention",
        "{'question': 'a', 'reducer': 'magic'} | invalid-field | reducer",
        "{'question': 'a', 'mode': 'magic'} | invalid-field | mode",
        "{'question': 'a', 'reducer': 'none', 'retention': 0.5} | invalid-field | reducer",
        "{'question': 'a', 'reducer': 'sttm', 'mode': 'strict', 'retention': 7} | invalid-field | retention",
        "{'question': 'a', 'reducer': 'sttm', 'mode': 'magic'} | invalid-field | mode",
        "{'question': 'a', 'root_level': 1, 'weighted_average': true, 'head_dim': -1} | invalid-field | head_dim",
        "{'question': 'a', 'max_frames': 8, 'fps': -1} | invalid-field | fps",
        "{'question': 'a', 'merge_layer': 4} | invalid-field | merge_layer",
        "{'question': 'a', 'merge_layer': -1} | invalid-field | merge_layer",
        "{'question': 'a', 'root_level': -1} | invalid-field | root_level",
        "{'question': 'a', 'reducer': 'tome', 'root_level': 2} | invalid-field | root_level",
        "{'question': 'a', 'reducer': 'tome', 'weighted_average': true} | invalid-field | weighted_average",
        "{'question': 'a', 'weighted_average': 'yes'} | invalid-field | weighted_average",
        "{'question': 'a', 'reducer': 'uniform', 'head_dim': 4} | invalid-field | head_dim",
        "{'question': 'a', 'question_reducer': 'magic'} | invalid-field | question_reducer",
        "{'question': 'a', 'question_reducer': 'fastv', 'merge_layer': 3} | invalid-field | question_reducer",
        "{'question': 'a', 'question_retention': 0.5} | invalid-field | question_retention",
        "{'question': 'a', 'question_layer': 3} | invalid-field | question_layer",
        "{'question': 'a', 'question_reducer': 'none', 'question_layer': 3} | invalid-field | question_layer",
        "{'question': 'a', 'question_reducer': 'fastv', 'question_retention': 0} | invalid-field | question_retention",
        "{'question': 'a', 'question_reducer': 'fastv', 'question_retention': 1.1} | invalid-field | question_retention",
        "{'question': 'a', 'question_reducer': 'fastv', 'question_layer': 2} | invalid-field | question_layer",
        "{'question': 'a', 'question_reducer': 'fastv', 'question_layer': 4} | invalid-field | question_layer",
        "{'question': 'a', 'question_reducer': 'framefusion', 'question_retention': 0.75} | invalid-field | question_retention",
        "{'question': 'a', 'max_tokens': 0} | invalid-field | max_tokens",
        "{'question': 'a', 'max_tokens': 1.5} | invalid-field | max_tokens",
        "{'question': 'a', 'temperature': 3} | invalid-field | temperature",
        "{'question': 'a', 'top_p': 0} | invalid-field | top_p",
        "{'question': 'a', 'top_k': -1} | invalid-field | top_k",
        "{'question': 'a', 'repetition_penalty': 0} | invalid-field | repetition_penalty",
        "{'question': 'a', 'seed': 9223372036854775808} | invalid-field | seed",
        "{'question': 'a', 'logprobs': 21} | invalid-field | logprobs",
        "{'question': 'a', 'max_frames': 0} | invalid-field | max_frames",
        "{'question': 'a', 'fps': -1} | invalid-field | fps",
        "{'question': 'a', 'fps': 1e999} | invalid-field | fps",
        "{'question': 'a', 'stream': 'yes'} | invalid-field | stream",
        "{'question': ' '} | invalid-field | question",
        "{} | invalid-field | question",
        "{'question': ['a']} | invalid-field | question",
        "{'question': 'half \\ud83d a character'} | invalid-field | question",
        "{'questions': []} | invalid-field | questions",
        "{'questions': ['a', 1]} | invalid-field | questions[1]",
        "{'questions': ['a', '']} | invalid-field | questions[1]",
        "{'questions': ['a'], 'question': 'a'} | invalid-field | questions",
        "{'questions': ['a'], 'stream': true} | invalid-field | stream",
        "{'question': 'a', 'choices': ['one']} | invalid-field | choices",
        "{'question': 'a', 'choices': ['one', '']} | invalid-field | choices[1]"
      })
  void shouldNameTheFieldThatCannotBeUsed(String json, String problem, String field)
      throws Exception {
    TestServer.Response response = server.post(path, json.replace('\'', '"'));

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.problem()).isEqualTo(problem);
    assertThat(response.json().get("field").asText()).isEqualTo(field);
    assertThat(response.json().get("detail").asText()).endsWith(".");
    assertThat(server.answers.questions).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"question\": tru} | 1 | 14",
        "{\"question\": \"a\",,} | 1 | 18",
        "{\"question\": \"a\"} x | 1 | 20",
        "{\"question\": \"a\", \"question\": \"b\"} | 1 | 29"
      })
  void shouldSayWhereJsonIsMalformed(String json, int line, int column) throws Exception {
    TestServer.Response response = server.post(path, json);

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.problem()).isEqualTo("malformed-json");
    assertThat(response.json().get("line").asInt()).isEqualTo(line);
    assertThat(response.json().get("column").asInt()).isBetween(column - 2, column + 2);
    assertThat(response.text()).doesNotContain("jackson").doesNotContain("Exception");
  }

  @Test
  void shouldRefuseBodiesThatAreNoObject() throws Exception {
    assertThat(server.post(path, "[1]").problem()).isEqualTo("malformed-json");
    assertThat(server.post(path, "").problem()).isEqualTo("malformed-json");
    assertThat(server.post(path, "[".repeat(500)).problem()).isEqualTo("malformed-json");
    TestServer.Response large = server.post(path, "{\"question\": \"" + "x".repeat(70_000) + "\"}");
    assertThat(large.status()).isEqualTo(413);
    TestServer.Response form =
        server.send(
            server
                .request(path)
                .header("Content-Type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString("{}")));
    assertThat(form.status()).isEqualTo(415);
  }

  @Test
  void shouldPutChoicesAsLetters() throws Exception {
    server.post(path, "{\"question\": \"Which?\", \"choices\": [\"red\", \" blue \"]}");

    assertThat(server.answers.questions.get(0).text())
        .isEqualTo(
            "Which?\nA. red\nB. blue\n"
                + "Answer with the option's letter from the given choices directly.");
  }

  @Test
  void shouldAnswerSeveralQuestionsInOrderAFewAtATime() throws Exception {
    StringBuilder questions = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      questions.append(i == 0 ? "" : ",").append("\"q").append(i).append('"');
    }

    JsonNode data = server.post(path, "{\"questions\": [" + questions + "]}").json().get("data");

    assertThat(data).hasSize(30);
    for (int i = 0; i < 30; i++) {
      assertThat(data.get(i).get("answer").asText()).isEqualTo("q" + i);
    }
    assertThat(server.answers.mostRunning.get()).isLessThanOrEqualTo(9);
  }

  @Test
  void shouldTakeTheOtherQuestionsBackWhenOneFails() throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(post("{\"questions\": [\"a\", \"b\", \"c\"]}"));
      FakeAnswers.Asked first = server.answers.next();
      server.answers.next();
      server.answers.next();
      first.fail(new IllegalStateException("/secret/path at 0x7fff"));

      RawClient.Response response = raw.read();
      assertThat(response.status()).isEqualTo(500);
      assertThat(response.body()).contains("internal-error").doesNotContain("secret");
      Await.until(() -> server.answers.cancelled.get() == 2);
    }
  }

  @Test
  void shouldMapFailuresOfTheEngine() throws Exception {
    server.answers.refuse(new QueueFullException(64));
    TestServer.Response full = server.post(path, "{\"question\": \"a\"}");
    assertThat(full.status()).isEqualTo(429);
    assertThat(full.header("retry-after")).isEqualTo("1");
    assertThat(full.problem()).isEqualTo("queue-full");

    server.answers.refuse(new CancellationException("the server is stopping"));
    assertThat(server.post(path, "{\"question\": \"a\"}").status()).isEqualTo(503);

    server.answers.refuse(new IllegalArgumentException("the question takes 9 positions"));
    TestServer.Response long_ = server.post(path, "{\"question\": \"a\"}");
    assertThat(long_.status()).isEqualTo(400);
    assertThat(long_.json().get("detail").asText()).isEqualTo("The question takes 9 positions.");
  }

  @Test
  void shouldSayThatThereIsNoSuchVideo() throws Exception {
    TestServer.Response response =
        server.post("/v1/videos/vid_none/questions", "{\"question\": \"a\"}");

    assertThat(response.status()).isEqualTo(404);
    assertThat(response.problem()).isEqualTo("no-such-video");
  }

  @Test
  void shouldAnswerAboutAVideoUnderWayOnlyWhenAskedToWait() throws Exception {
    server.answers.holdPreparations();
    byte[] other = TestServer.bytes(TestClips.shared().oneFrame());
    String id = server.upload("/v1/videos", other).json().get("id").asText();
    String questions = "/v1/videos/" + id + "/questions";

    TestServer.Response early = server.post(questions, "{\"question\": \"a\"}");
    assertThat(early.status()).isEqualTo(409);
    assertThat(early.problem()).isEqualTo("video-not-ready");
    assertThat(early.json().get("state").asText()).isIn("uploading", "probing", "decoding");
    TestServer.Response late = server.post(questions + "?wait=1", "{\"question\": \"a\"}");
    assertThat(late.status()).isEqualTo(409);

    try (RawClient raw = new RawClient(server.port)) {
      raw.send(ConnectionTest.question(id).replace("/questions", "/questions?wait=true"));
      server.answers.releasePreparations();
      assertThat(raw.read().status()).isEqualTo(200);
    }
  }

  @Test
  void shouldStreamPiecesAndThenTheWholeAnswer() throws Exception {
    TestServer.Response response =
        server.post(path, "{\"question\": \"Gr\u00fc\u00dfe an alle\", \"stream\": true}");

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-type")).isEqualTo("text/event-stream");
    List<String> events = List.of(response.text().split("\n\n", -1));
    assertThat(events.subList(0, 3))
        .containsExactly(
            "event: token\ndata: {\"text\":\"Gr\u00fc\u00dfe \"}",
            "event: token\ndata: {\"text\":\"an \"}",
            "event: token\ndata: {\"text\":\"alle\"}");
    assertThat(events.get(3))
        .startsWith("event: answer\ndata: {\"id\":\"ans_1\"")
        .contains("\"answer\":\"Gr\u00fc\u00dfe an alle\"");
    assertThat(events.get(4)).isEmpty();
    assertThat(events).hasSize(5);
  }

  @Test
  void shouldTellAFailureInTheStreamWhenItHasBegun() throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(post("{\"question\": \"a\", \"stream\": true}"));
      FakeAnswers.Asked asked = server.answers.next();
      asked.listener.onText("so");
      asked.fail(new IllegalStateException("/secret/path"));

      RawClient.Response response = raw.read();
      assertThat(response.status()).isEqualTo(200);
      assertThat(response.headers()).containsEntry("connection", "close");
      assertThat(response.body())
          .startsWith("event: token\ndata: {\"text\":\"so\"}\n\nevent: error\ndata: {")
          .contains("/problems/internal-error\"")
          .contains("\"request_id\":\"" + response.headers().get("x-request-id"))
          .doesNotContain("secret");
      assertThat(raw.isClosed()).isTrue();
    }
  }

  @Test
  void shouldGiveAStreamThatFailsBeforeItBeginsTheProblemsStatus() throws Exception {
    server.answers.refuse(new QueueFullException(1));

    TestServer.Response response = server.post(path, "{\"question\": \"a\", \"stream\": true}");

    assertThat(response.status()).isEqualTo(429);
    assertThat(response.header("content-type")).isEqualTo("application/problem+json");
  }

  @Test
  void shouldCancelQuestionsOfClientsThatLeave() throws Exception {
    server.answers.hold();
    for (String body :
        List.of(
            "{\"question\": \"a\"}",
            "{\"question\": \"a\", \"stream\": true}",
            "{\"questions\": [\"a\"]}")) {
      int before = server.answers.cancelled.get();
      try (RawClient raw = new RawClient(server.port)) {
        raw.send(post(body));
        FakeAnswers.Asked asked = server.answers.next();
        if (body.contains("stream")) {
          asked.listener.onText("some text");
          assertThat(raw.line()).isEqualTo("HTTP/1.1 200 OK");
        }
      }
      Await.until(() -> server.answers.cancelled.get() == before + 1);
    }
    Await.until(() -> server.get("/metrics").text().contains("status=\"499\"} 2"));
  }

  private String post(String body) {
    return "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(path, body.length(), body);
  }
}
