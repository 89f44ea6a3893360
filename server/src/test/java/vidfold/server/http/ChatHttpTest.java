package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.model.SamplingRule;
import vidfold.server.engine.Answer;
import vidfold.server.engine.Question;
import vidfold.server.engine.QueueFullException;

class ChatHttpTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  private TestServer server;
  private String video;

  @BeforeEach
  void start() throws Exception {
    server = TestServer.open(folder);
    video = server.readyVideo();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldAnswerWithACompletion() throws Exception {
    TestServer.Response response = post(Chat.user(Chat.shown(video), Chat.text("What is it?")), "");

    assertThat(response.status()).as(response.text()).isEqualTo(200);
    JsonNode json = response.json();
    assertThat(json.get("id").asText()).isEqualTo("chatcmpl-" + response.header("x-request-id"));
    assertThat(json.get("object").asText()).isEqualTo("chat.completion");
    assertThat(json.get("created").asLong()).isPositive();
    assertThat(json.get("model").asText()).isEqualTo("fake");
    assertThat(json.get("choices")).hasSize(1);
    assertThat(json.at("/choices/0").toString())
        .isEqualTo(
            "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"What is it?\","
                + "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}");
    assertThat(json.get("usage").toString())
        .isEqualTo(
            "{\"prompt_tokens\":12,\"completion_tokens\":2,\"total_tokens\":14,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":10}}");
    assertThat(json.at("/vidfold/video").asText()).isEqualTo(video);
    assertThat(json.at("/vidfold/receipt/variant").asText()).isEqualTo("var_1");
    assertThat(server.answers.questions.get(0).options()).isEqualTo(TestServer.DEFAULTS);
  }

  @Test
  void shouldStreamChunksAsTheyCome() throws Exception {
    String more = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
    TestServer.Response response = post(Chat.user(Chat.shown(video), Chat.text("one two")), more);

    assertThat(response.status()).isEqualTo(200);
    assertThat(response.header("content-type")).isEqualTo("text/event-stream");
    List<String> data = data(response.text());
    assertThat(data).hasSize(6).last().isEqualTo("[DONE]");
    List<JsonNode> chunks = new ArrayList<>();
    for (String line : data.subList(0, 5)) {
      chunks.add(JSON.readTree(line));
    }
    assertThat(chunks)
        .allMatch(chunk -> chunk.get("object").asText().equals("chat.completion.chunk"))
        .allMatch(chunk -> chunk.get("id").equals(chunks.get(0).get("id")));
    assertThat(chunks.get(0).at("/choices/0/delta/role").asText()).isEqualTo("assistant");
    assertThat(chunks.get(1).at("/choices/0/delta/content").asText()).isEqualTo("one ");
    assertThat(chunks.get(2).at("/choices/0/delta/content").asText()).isEqualTo("two");
    assertThat(chunks.get(2).at("/choices/0/finish_reason").isNull()).isTrue();
    assertThat(chunks.get(2).get("usage").isNull()).isTrue();
    assertThat(chunks.get(3).at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    assertThat(chunks.get(3).at("/vidfold/receipt/model").asText()).isEqualTo("fake");
    assertThat(chunks.get(4).get("choices")).isEmpty();
    assertThat(chunks.get(4).at("/usage/total_tokens").asInt()).isEqualTo(14);

    assertThat(
            data(post(Chat.user(Chat.shown(video), Chat.text("one")), ",\"stream\":true").text()))
        .hasSize(4)
        .noneMatch(line -> line.contains("usage"));
  }

  @Test
  void shouldTellAnErrorByItsStatusBeforeTheFirstTokenAndInTheStreamAfterIt() throws Exception {
    server.answers.refuse(new QueueFullException(3));
    TestServer.Response refused =
        post(Chat.user(Chat.shown(video), Chat.text("a")), ",\"stream\":true");
    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.header("retry-after")).isEqualTo("1");
    assertThat(refused.header("content-type")).isEqualTo("application/json");
    assertThat(refused.json().at("/error/type").asText()).isEqualTo("rate_limit_error");
    assertThat(refused.json().at("/error/code").asText()).isEqualTo("queue_full");

    server.answers.refuse(null);
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(
          Chat.request(
              Chat.body(Chat.user(Chat.shown(video), Chat.text("a")), ",\"stream\":true")));
      FakeAnswers.Asked asked = server.answers.next();
      asked.listener.onText("a");
      asked.fail(new IllegalStateException("secret"));

      List<String> data = data(raw.read().body());
      assertThat(data).hasSize(3);
      JsonNode error = JSON.readTree(data.get(2)).get("error");
      assertThat(error.get("code").asText()).isEqualTo("internal_error");
      assertThat(error.get("type").asText()).isEqualTo("server_error");
      assertThat(error.toString()).doesNotContain("secret");
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void shouldTakeBackTheQuestionOfAClientThatLeaves(boolean stream) throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(
          Chat.request(
              Chat.body(Chat.user(Chat.shown(video), Chat.text("a")), ",\"stream\":" + stream)));
      server.answers.next();
    }
    Await.until(() -> server.answers.cancelled.get() == 1);
  }

  @Test
  void shouldTakeEarlierTurnsAsASessionDoes() throws Exception {
    String history =
        "{\"role\":\"system\",\"content\":\"Be brief.\"},"
            + Chat.user(Chat.text("look"), Chat.shown(video))
            + ",{\"role\":\"user\",\"content\":\"one\"}"
            + ",{\"role\":\"assistant\",\"content\":\"first\",\"refusal\":null}"
            + ",{\"role\":\"user\",\"content\":\"two\"}"
            + ",{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"second\"}]}"
            + ",{\"role\":\"user\",\"content\":\"three\"}";

    assertThat(post(history, "").status()).isEqualTo(200);

    Question asked = server.answers.questions.get(0);
    assertThat(asked.text()).isEqualTo("three");
    assertThat(asked.history())
        .containsExactly(
            new Question.Turn("Be brief.\n\nlook\none", "first", null),
            new Question.Turn("two", "second", null));
    assertThat(asked.sessionId()).isNull();
  }

  @Test
  void shouldReadTheDialsOfTheNativeRoute() throws Exception {
    String more =
        ",\"max_completion_tokens\":7,\"temperature\":0.5,\"top_p\":0.9,\"seed\":3,\"n\":1,"
            + "\"stop\":null,\"user\":\"u\",\"vidfold\":{\"reducer\":\"tome\",\"retention\":0.25,"
            + "\"merge_layer\":0,\"question_reducer\":\"fastv\",\"top_k\":5}";
    post(Chat.user(Chat.shown(video), Chat.text("a")), more);
    server.post(
        "/v1/videos/" + video + "/questions",
        "{\"question\":\"a\",\"max_tokens\":7,\"temperature\":0.5,\"top_p\":0.9,\"seed\":3,"
            + "\"reducer\":\"tome\",\"retention\":0.25,\"merge_layer\":0,"
            + "\"question_reducer\":\"fastv\",\"top_k\":5}");

    List<Question> asked = server.answers.questions;
    assertThat(asked.get(0)).isEqualTo(asked.get(1));
    assertThat(asked.get(0).options().sampling().topK()).isEqualTo(5);
  }

  @Test
  void shouldTellLogprobsAsOpenAiDoes() throws Exception {
    server.answers.hold();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(
          Chat.request(
              Chat.body(
                  Chat.user(Chat.shown(video), Chat.text("a")),
                  ",\"logprobs\":true,\"top_logprobs\":1,\"max_tokens\":4")));
      FakeAnswers.Asked asked = server.answers.next();
      assertThat(asked.question.options().sampling().topLogprobs()).isEqualTo(1);
      asked.listener.onDone(withLogprobs(FakeAnswers.answer(asked.question, "\u00e9")));

      JsonNode logprobs = JSON.readTree(raw.read().body()).at("/choices/0/logprobs");
      assertThat(logprobs.get("content").toString())
          .isEqualTo(
              "[{\"token\":\"\u00e9\",\"logprob\":-0.5,\"bytes\":[195,169],\"top_logprobs\":"
                  + "[{\"token\":\"\ufffd\",\"logprob\":-0.25,\"bytes\":null}]}]");

      raw.send(
          Chat.request(
              Chat.body(Chat.user(Chat.shown(video), Chat.text("a")), ",\"logprobs\":true")));
      asked = server.answers.next();
      assertThat(asked.question.options().sampling().topLogprobs()).isEqualTo(1);
      asked.listener.onDone(withLogprobs(FakeAnswers.answer(asked.question, "\u00e9")));
      assertThat(JSON.readTree(raw.read().body()).at("/choices/0/logprobs/content/0/top_logprobs"))
          .isEmpty();
    }
  }

  private static Answer withLogprobs(Answer a) {
    Answer.TopToken top = new Answer.TopToken("\ufffd", -0.25);
    Answer.TokenLogprob token = new Answer.TokenLogprob("\u00e9", -0.5, List.of(top));
    return new Answer(
        a.id(),
        a.video(),
        a.answer(),
        a.finishReason(),
        a.usage(),
        a.receipt(),
        List.of(token),
        a.tokens());
  }

  @Test
  void shouldStoreAVideoOfADataUrlOnce() throws Exception {
    String escaped = Chat.base64(TestServer.clip()).replace("/", "\\/").replace("=", "\\u003d");
    String message =
        Chat.user(Chat.part("video_url", "data:video\\/mp4;base64," + escaped), Chat.text("a"));

    TestServer.Response first = post(message, "");
    String plain = "data:video/mp4;codecs=avc1;base64," + Chat.base64(TestServer.clip());
    TestServer.Response second = post(Chat.user(Chat.part("video_url", plain), Chat.text("b")), "");

    assertThat(first.status()).as(first.text()).isEqualTo(200);
    assertThat(first.json().at("/vidfold/video").asText()).isEqualTo(video);
    assertThat(second.json().at("/vidfold/video").asText()).isEqualTo(video);
    assertThat(server.get("/v1/videos").json().get("data")).hasSize(1);
    assertThat(server.incomingFiles()).isZero();
  }

  @Test
  void shouldMakeOneClipOfAllPictures() throws Exception {
    String messages =
        Chat.user(Chat.picture(Pictures.png(1)), Chat.text("first"), Chat.picture(Pictures.png(2)))
            + ",{\"role\":\"assistant\",\"content\":\"ok\"},"
            + Chat.user(Chat.picture(Pictures.png(3)), Chat.text("second"));
    String times = ",\"vidfold\":{\"times\":[0.5,2,9.25]}";

    TestServer.Response response = post(messages, times);

    assertThat(response.status()).as(response.text()).isEqualTo(200);
    String clip = response.json().at("/vidfold/video").asText();
    assertThat(times(clip)).containsExactly(0.5, 2.0, 9.25, 9.25);
    assertThat(server.answers.questions.get(0).text()).isEqualTo("second");
    assertThat(post(messages, times).json().at("/vidfold/video").asText()).isEqualTo(clip);
    String usual = post(messages, "").json().at("/vidfold/video").asText();
    assertThat(times(usual)).containsExactly(0.0, 1.0, 2.0, 2.0);
    assertThat(server.incomingFiles()).isZero();
  }

  private List<Double> times(String id) {
    SamplingRule rule = new SamplingRule(2, 2, 64, true);
    return server.library.read("default", id, rule).join().frames().times();
  }

  @Test
  void shouldTakeMoreDataThanJsonButBoundBoth() throws Exception {
    byte[] large = Arrays.copyOf(TestServer.clip(), 3 << 20);
    TestServer.Response taken = post(Chat.user(Chat.video(large), Chat.text("a")), "");
    assertThat(taken.status()).as(taken.text()).isEqualTo(200);

    TestServer.Response tooLarge =
        post(Chat.user(Chat.video(new byte[9 << 20]), Chat.text("a")), "");
    assertThat(tooLarge.status()).isEqualTo(413);
    assertThat(tooLarge.json().at("/error/code").asText()).isEqualTo("too_large");
    TestServer.Response wordy =
        post(Chat.user(Chat.shown(video), Chat.text("a".repeat(70_000))), "");
    assertThat(wordy.status()).isEqualTo(413);
    assertThat(server.get("/health/live").status()).isEqualTo(200);
    Await.until(() -> server.incomingFiles() == 0);
  }

  @Test
  void shouldKeepNothingOfARequestThatIsRefusedOrLeft() throws Exception {
    byte[] other = Arrays.copyOf(TestServer.clip(), TestServer.clip().length + 1);
    assertThat(post(Chat.user(Chat.video(other), Chat.text("a")), ",\"n\":2").status())
        .isEqualTo(400);
    try (RawClient raw = new RawClient(server.port)) {
      String whole = Chat.request(Chat.body(Chat.user(Chat.video(other), Chat.text("a")), ""));
      raw.send(whole.substring(0, whole.length() / 2));
      Await.until(() -> server.incomingFiles() == 1);
    }
    Await.until(() -> server.incomingFiles() == 0);
    assertThat(server.get("/v1/videos").json().get("data")).hasSize(1);
    assertThat(server.answers.questions).isEmpty();
  }

  private TestServer.Response post(String messages, String more) throws Exception {
    return server.post(Chat.PATH, Chat.body(messages, more));
  }

  private static List<String> data(String stream) {
    return stream
        .lines()
        .filter(line -> line.startsWith("data: "))
        .map(line -> line.substring(6))
        .toList();
  }
}
