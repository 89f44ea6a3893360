package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a chat request cannot have, and how it is told in OpenAI's error shape. */
class ChatRefusalTest {
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "n | 2 | 'n' must be 1",
        "n | \"1\" | 'n' must be 1",
        "stop | [\"x\"] | 'stop' is not supported",
        "tools | [{}] | 'tools' is not supported",
        "frequency_penalty | 0.5 | 'frequency_penalty' is not supported",
        "response_format | {\"type\":\"json_object\"} | 'response_format' is not supported",
        "temperature | 3 | temperature must be in [0, 2]",
        "temperature | \"hot\" | 'temperature' must be a number",
        "max_tokens | 0 | 'max_tokens' must be at least 1",
        "max_completion_tokens | 0 | 'max_completion_tokens' must be at least 1",
        "top_logprobs | 3 | needs 'logprobs' to be true",
        "top_logprobs | 21 | must be in [0, 20]",
        "stream_options | {} | needs 'stream' to be true",
        "best_of | 1 | There is no field 'best_of'",
      })
  void shouldNameAFieldThatItCannotServe(String field, String value, String message)
      throws Exception {
    String more = ",\"" + field + "\":" + value;
    assertRefused(post(Chat.user(Chat.shown(video), Chat.text("a")), more), field, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"retention\":7} | vidfold.retention | retention must be in (0, 1]",
        "{\"reducer\":\"x\"} | vidfold.reducer | x",
        "{\"reducer\":1} | vidfold.reducer | must be a string",
        "{\"merge_layer\":9} | vidfold.merge_layer | must be in [0, 3]",
        "{\"question_layer\":3} | vidfold.question_layer | needs a 'question_reducer'",
        "{\"max_tokens\":3} | vidfold.max_tokens | There is no field 'vidfold.max_tokens'",
        "{\"times\":[0]} | vidfold.times | a video has its own",
        "3 | vidfold | must be an object",
      })
  void shouldNameAFieldOfTheExtension(String extension, String field, String message)
      throws Exception {
    TestServer.Response response =
        post(Chat.user(Chat.shown(video), Chat.text("a")), ",\"vidfold\":" + extension);
    assertRefused(response, field, message);
  }

  @Test
  void shouldNameWhatIsWrongWithMessages() throws Exception {
    String assistant = "{\"role\":\"assistant\",\"content\":\"b\"}";
    String all = "messages";
    refused(Chat.user(Chat.text("a")), all, "there is none");
    refused("", all, "must end with a message of the user");
    refused(Chat.user(Chat.shown(video)), all, "must end with a text");
    refused(
        Chat.user(Chat.shown(video), Chat.text("a")) + "," + assistant,
        all,
        "must end with a message");
    refused(
        Chat.user(Chat.shown(video), Chat.shown("vid_b"), Chat.text("a")), all, "more than one");
    refused(
        Chat.user(Chat.shown(video), Chat.picture(Pictures.png(1)), Chat.text("a")),
        all,
        "more than one");
    refused(
        Chat.user(Chat.video(new byte[3]), Chat.video(new byte[3]), Chat.text("a")),
        all,
        "exactly one video");
    refused(
        Chat.user(Chat.picture(Pictures.png(1)), Chat.video(new byte[3]), Chat.text("a")),
        all,
        "exactly one video");
    refused(
        Chat.user(Chat.part("image_url", "data:image/gif;base64,AA=="), Chat.text("a")),
        all,
        "image/png");
    refused(
        Chat.user(Chat.part("image_url", "data:image/png;base64,A*=="), Chat.text("a")),
        all,
        "base64");
    refused(
        Chat.user(Chat.part("image_url", "data:image/png;base64,AA==AA"), Chat.text("a")),
        all,
        "base64");
    refused(
        Chat.user(Chat.part("image_url", "data:video/mp4;base64,AA=="), Chat.text("a")),
        "messages[0].content[0].image_url.url",
        "must be data:image/png");
    refused(
        Chat.user(Chat.part("video_url", "https://example.org/a.mp4"), Chat.text("a")),
        "messages[0].content[0].video_url.url",
        "nothing is fetched here");
    refused(
        Chat.user(Chat.part("video_url", "\\u0064ata:video/mp4,AA"), Chat.text("a")),
        "messages[0].content[0].video_url.url",
        "must be the id");
    refused(assistant, "messages[0].role", "no text of the user before");
    refused("{\"role\":\"tool\",\"content\":\"a\"}", "messages[0].role", "must be system");
    refused("{\"content\":\"a\"}", "messages[0].role", "is missing");
    refused("{\"role\":\"user\",\"content\":3}", "messages[0].content", "must be a list");
    refused("{\"role\":\"user\"}", "messages[0].content", "must be a string or a list");
    refused(
        "{\"role\":\"system\",\"content\":[" + Chat.shown(video) + "]}",
        "messages[0].content[0].type",
        "must be text in this role");
    refused(
        Chat.user(Chat.shown(video), Chat.text("a")) + ",{\"role\":\"system\",\"content\":\"a\"}",
        "messages[1].role",
        "before all others");
    refused(
        Chat.user(Chat.picture(Pictures.png(1)), Chat.picture(Pictures.png(2)), Chat.text("a")),
        ",\"vidfold\":{\"times\":[1,1]}",
        "vidfold.times",
        "ascending");
    Await.until(() -> server.incomingFiles() == 0);
  }

  private void refused(String messages, String field, String message) throws Exception {
    refused(messages, "", field, message);
  }

  private void refused(String messages, String more, String field, String message)
      throws Exception {
    assertRefused(post(messages, more), field, message);
  }

  private static void assertRefused(TestServer.Response response, String field, String message) {
    JsonNode error = response.json().get("error");
    assertThat(response.status()).as(response.text()).isEqualTo(400);
    assertThat(error.get("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.get("param").asText()).as(response.text()).isEqualTo(field);
    assertThat(error.get("message").asText()).contains(message);
    assertThat(error.has("code")).isTrue();
  }

  @Test
  void shouldRefuseAnotherModelAnotherTypeAndWhatIsNotThere() throws Exception {
    TestServer.Response model = server.post(Chat.PATH, "{\"model\":\"gpt-4o\",\"messages\":[]}");
    assertThat(model.status()).isEqualTo(404);
    assertThat(model.json().at("/error/code").asText()).isEqualTo("model_not_found");
    assertThat(model.json().at("/error/param").asText()).isEqualTo("model");
    assertRefused(server.post(Chat.PATH, "{\"messages\":[]}"), "model", "is missing");

    TestServer.Response unknown = post(Chat.user(Chat.shown("vid_x"), Chat.text("a")), "");
    assertThat(unknown.status()).isEqualTo(404);
    assertThat(unknown.json().at("/error/code").asText()).isEqualTo("no_such_video");
    TestServer.Response broken = post(Chat.user(Chat.picture(new byte[9]), Chat.text("a")), "");
    assertThat(broken.status()).isEqualTo(422);
    assertThat(broken.json().at("/error/code").asText()).isEqualTo("bad_picture");
    assertThat(server.post(Chat.PATH, "{\"model\"").json().at("/error/code").asText())
        .isEqualTo("malformed_json");
    TestServer.Response plain = server.upload(Chat.PATH, new byte[] {1});
    assertThat(plain.status()).isEqualTo(415);
    assertThat(plain.json().at("/error/code").asText()).isEqualTo("unsupported_media_type");
  }

  private TestServer.Response post(String messages, String more) throws Exception {
    return server.post(Chat.PATH, Chat.body(messages, more));
  }
}
