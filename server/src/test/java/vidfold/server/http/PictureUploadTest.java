package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.model.SamplingRule;
import vidfold.model.VideoFrames;

/** Forms of pictures: they become a video like every other. */
class PictureUploadTest {
  private static final String PATH = "/v1/videos?wait=true";

  @TempDir Path folder;
  private TestServer server;
  private final List<byte[]> body = new ArrayList<>();

  @BeforeEach
  void start() {
    server = TestServer.open(folder);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldMakeAVideoOfPicturesWithTheirTimes() throws Exception {
    frame(Pictures.png(1)).frame(Pictures.png(2)).times("[0.5, 2, 9.25]").frame(Pictures.png(3));

    TestServer.Response response = post();

    assertThat(response.status()).as(response.text()).isEqualTo(201);
    JsonNode video = response.json();
    assertThat(video.get("state").asText()).isEqualTo("ready");
    assertThat(video.get("frames").asInt()).isEqualTo(3);
    assertThat(video.get("container").asText()).isEqualTo("pictures");
    assertThat(video.get("name").asText()).isEqualTo("a.png");
    assertThat(read(video).times()).containsExactly(0.5, 2.0, 9.25, 9.25);
    frame(Pictures.png(1)).times("[0.5, 2, 9.25]").frame(Pictures.png(2)).frame(Pictures.png(3));
    assertThat(post().json().get("id")).isEqualTo(video.get("id"));
    frame(Pictures.png(1)).times("[0.5, 2, 9.5]").frame(Pictures.png(2)).frame(Pictures.png(3));
    assertThat(post().json().get("id")).isNotEqualTo(video.get("id"));
  }

  @Test
  void shouldShowPicturesWithoutTimesOneASecond() throws Exception {
    frame(Pictures.png(1)).frame(Pictures.png(2));
    assertThat(read(post().json()).times()).containsExactly(0.0, 1.0);
  }

  @Test
  void shouldKeepPicturesOverARestart() throws Exception {
    frame(Pictures.png(1)).frame(Pictures.png(2)).times("[3, 4]");
    JsonNode video = post().json();
    server.close();
    server = TestServer.open(folder);
    JsonNode kept = server.get("/v1/videos/" + video.get("id").asText()).json();
    assertThat(kept.get("state").asText()).isEqualTo("ready");
    assertThat(read(kept).times()).containsExactly(3.0, 4.0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[0, 1, 1] | times[2] is 1.0, not after times[1]",
        "[0, 1] | 2 times were given for 3 frames",
        "[0, \"1\", 2] | Expected a JSON list of seconds",
        "{} | Expected a JSON list of seconds",
        "[0, 1 | Expected a JSON list of seconds",
      })
  void shouldNameWhatIsWrongWithTimes(String times, String detail) throws Exception {
    frame(Pictures.png(1)).frame(Pictures.png(2)).frame(Pictures.png(3)).times(times);

    TestServer.Response response = post();

    assertThat(response.status()).isEqualTo(400);
    assertThat(response.problem()).isEqualTo("invalid-field");
    assertThat(response.json().get("field").asText()).isEqualTo("times");
    assertThat(response.json().get("detail").asText()).contains(detail);
    Await.until(() -> server.incomingFiles() == 0);
  }

  @Test
  void shouldNameThePictureThatCannotBeRead() throws Exception {
    frame(Pictures.png(1)).frame("no picture".getBytes(StandardCharsets.UTF_8));
    TestServer.Response response = post();
    assertThat(response.status()).isEqualTo(422);
    assertThat(response.problem()).isEqualTo("bad-picture");
    assertThat(response.json().get("detail").asText()).startsWith("frames[1] is neither");
    Await.until(() -> server.incomingFiles() == 0);

    byte[] broken = Pictures.png(2);
    for (int i = broken.length / 2; i < broken.length - 20; i++) {
      broken[i] = 0x5a;
    }
    frame(Pictures.png(1)).frame(Pictures.png(3)).frame(broken);
    response = post();
    assertThat(response.status()).isEqualTo(422);
    assertThat(response.problem()).isEqualTo("bad-picture");
    assertThat(response.json().get("detail").asText()).startsWith("frames[2] cannot be decoded");
  }

  @Test
  void shouldTakeAFileOrFramesButNotBoth() throws Exception {
    part("name=\"file\"; filename=\"a.mp4\"", new byte[] {1}).frame(Pictures.png(1));
    assertThat(post().problem()).isEqualTo("malformed-form");
    frame(Pictures.png(1)).part("name=\"file\"; filename=\"a.mp4\"", new byte[] {1});
    assertThat(post().problem()).isEqualTo("malformed-form");
    times("[1]");
    assertThat(post().problem()).isEqualTo("malformed-form");
    Await.until(() -> server.incomingFiles() == 0);
  }

  private VideoFrames read(JsonNode video) {
    return server
        .library
        .read("default", video.get("id").asText(), new SamplingRule(2, 2, 64, true))
        .join()
        .frames();
  }

  private PictureUploadTest frame(byte[] picture) {
    return part("name=\"frames\"; filename=\"a.png\"", picture);
  }

  private PictureUploadTest times(String json) {
    return part("name=\"times\"", json.getBytes(StandardCharsets.UTF_8));
  }

  private PictureUploadTest part(String disposition, byte[] bytes) {
    body.add(
        ("--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8));
    body.add(bytes);
    body.add("\r\n".getBytes(StandardCharsets.UTF_8));
    return this;
  }

  /** Sends the parts so far. */
  private TestServer.Response post() throws Exception {
    body.add("--b--\r\n".getBytes(StandardCharsets.UTF_8));
    List<byte[]> sent = List.copyOf(body);
    body.clear();
    return server.send(
        server
            .request(PATH)
            .header("Content-Type", "multipart/form-data; boundary=b")
            .POST(HttpRequest.BodyPublishers.ofByteArrays(sent)));
  }
}
