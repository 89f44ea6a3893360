package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.server.video.LibraryConfig;
import vidfold.video.TestClips;

@SuppressWarnings("StringConcatToTextBlock") // lines of HTTP end with both characters
class UploadHttpTest {
  private static final String HEAD = "POST /v1/videos HTTP/1.1\r\nHost: a\r\n";

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
  void shouldTakeAVideoAndSayWhereItIs() throws Exception {
    server.answers.holdPreparations();
    byte[] clip = TestServer.clip();

    TestServer.Response response = server.upload("/v1/videos?name=my%20clip.mp4", clip);

    assertThat(response.status()).isEqualTo(202);
    JsonNode video = response.json();
    assertThat(video.get("id").asText()).matches("vid_[0-9A-Z]{26}");
    assertThat(response.header("location")).isEqualTo("/v1/videos/" + video.get("id").asText());
    assertThat(video.get("name").asText()).isEqualTo("my clip.mp4");
    assertThat(video.get("bytes").asLong()).isEqualTo(clip.length);
    assertThat(video.get("sha256").asText()).hasSize(64);
    assertThat(video.get("created").asText()).matches("20..-.*Z");
    server.answers.releasePreparations();
    JsonNode ready = server.get(response.header("location") + "?wait=true").json();
    assertThat(ready.get("state").asText()).isEqualTo("ready");
    assertThat(ready.get("width").asInt()).isEqualTo(TestClips.WIDTH);
    assertThat(ready.get("frames").asInt()).isEqualTo(90);
    assertThat(ready.get("duration").asDouble()).isBetween(2.9, 3.1);
    assertThat(ready.get("codec").asText()).isEqualTo("h264");
    assertThat(ready.has("error")).isFalse();
  }

  @Test
  void shouldWaitUntilTheVideoIsReadyWhenAsked() throws Exception {
    TestServer.Response first = server.upload("/v1/videos?wait=true", TestServer.clip());
    TestServer.Response again = server.upload("/v1/videos", TestServer.clip());

    assertThat(first.status()).isEqualTo(201);
    assertThat(first.json().get("state").asText()).isEqualTo("ready");
    assertThat(again.status()).isEqualTo(201);
    assertThat(again.json().get("id")).isEqualTo(first.json().get("id"));
  }

  @Test
  void shouldWaitNoLongerThanTheClientPrefers() throws Exception {
    server.answers.holdPreparations();

    TestServer.Response response =
        server.send(
            server
                .request("/v1/videos")
                .header("Prefer", "respond-async, wait=1")
                .POST(HttpRequest.BodyPublishers.ofByteArray(TestServer.clip())));

    assertThat(response.status()).isEqualTo(202);
    assertThat(response.json().get("state").asText()).isEqualTo("decoding");
  }

  @Test
  void shouldNameTheProblemOfAVideoThatCannotBeUsed() throws Exception {
    TestServer.Response waited =
        server.upload("/v1/videos?wait=20", "this is text".getBytes(StandardCharsets.UTF_8));

    assertThat(waited.status()).isEqualTo(422);
    assertThat(waited.problem()).isEqualTo("not-a-video");
    assertThat(waited.text()).doesNotContain(folder.toString());
    String id = waited.json().get("video").asText();
    JsonNode video = server.get("/v1/videos/" + id).json();
    assertThat(video.get("state").asText()).isEqualTo("failed");
    assertThat(video.at("/error/type").asText())
        .isEqualTo("https://vidfold.dev/problems/not-a-video");
    assertThat(video.at("/error/detail").asText()).isNotBlank();
    TestServer.Response asked =
        server.post("/v1/videos/" + id + "/questions", "{\"question\": \"a\"}");
    assertThat(asked.status()).isEqualTo(422);
    assertThat(asked.problem()).isEqualTo("not-a-video");
  }

  @Test
  void shouldListGetAndDelete() throws Exception {
    String first =
        server
            .upload("/v1/videos", "one".getBytes(StandardCharsets.UTF_8))
            .json()
            .get("id")
            .asText();
    String second =
        server
            .upload("/v1/videos", "two".getBytes(StandardCharsets.UTF_8))
            .json()
            .get("id")
            .asText();

    JsonNode page = server.get("/v1/videos?limit=1").json();
    assertThat(page.at("/data/0/id").asText()).isEqualTo(second);
    assertThat(page.get("data")).hasSize(1);
    assertThat(page.get("has_more").asBoolean()).isTrue();
    JsonNode rest = server.get("/v1/videos?limit=5&after=" + second).json();
    assertThat(rest.at("/data/0/id").asText()).isEqualTo(first);
    assertThat(rest.get("has_more").asBoolean()).isFalse();

    TestServer.Response deleted = server.delete("/v1/videos/" + first);
    assertThat(deleted.status()).isEqualTo(204);
    assertThat(deleted.text()).isEmpty();
    assertThat(server.answers.forgotten).contains(first);
    assertThat(server.get("/v1/videos/" + first).problem()).isEqualTo("no-such-video");
    assertThat(server.delete("/v1/videos/" + first).status()).isEqualTo(404);
    assertThat(server.get("/v1/videos?limit=0").json().get("field").asText()).isEqualTo("limit");
    assertThat(server.get("/v1/videos?limit=x").status()).isEqualTo(400);
    assertThat(server.get("/v1/videos/x?wait=maybe").status()).isEqualTo(400);
  }

  @Test
  void shouldTakeAFormWithAFile() throws Exception {
    byte[] clip = TestServer.clip();
    String boundary = "--odd'boundary (with) /spaces?: =+,._";
    byte[] head =
        ("preamble\r\n--%s\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--%s\r\n"
                + "Content-Disposition: form-data; name=\"file\"; filename=\"gr\u00fc\u00dfe \\\"1\\\".mp4\"\r\n"
                + "Content-Type: video/mp4\r\n\r\n")
            .formatted(boundary, boundary)
            .getBytes(StandardCharsets.UTF_8);
    byte[] tail = "\r\n--%s--\r\nepilogue".formatted(boundary).getBytes(StandardCharsets.UTF_8);

    TestServer.Response response =
        server.send(
            server
                .request("/v1/videos?wait=true")
                .header("Content-Type", "multipart/form-data; boundary=\"" + boundary + "\"")
                .POST(HttpRequest.BodyPublishers.ofByteArrays(List.of(head, clip, tail))));

    assertThat(response.status()).isEqualTo(201);
    assertThat(response.json().get("bytes").asLong()).isEqualTo(clip.length);
    assertThat(response.json().get("name").asText()).isEqualTo("gr\u00fc\u00dfe \"1\".mp4");
    assertThat(server.upload("/v1/videos", clip).json().get("id"))
        .isEqualTo(response.json().get("id"));
  }

  @Test
  void shouldRefuseFormsWithoutExactlyOneFile() throws Exception {
    String part = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n";
    String field = "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n";

    assertThat(form("b", field + "--b--").problem()).isEqualTo("malformed-form");
    assertThat(form("b", part + part + "--b--").problem()).isEqualTo("malformed-form");
    assertThat(form("b", part).problem()).isEqualTo("malformed-form");
    assertThat(form("b", "no boundary at all").status()).isEqualTo(400);
    assertThat(form("", part).status()).isEqualTo(400);
    assertThat(form("b", field + "x".repeat(70_000) + "--b--").status()).isEqualTo(413);
    Await.until(() -> server.incomingFiles() == 0);
    assertThat(server.get("/v1/videos").json().get("data")).isEmpty();
  }

  private TestServer.Response form(String boundary, String body) throws Exception {
    return server.send(
        server
            .request("/v1/videos")
            .header("Content-Type", "multipart/form-data; boundary=" + boundary)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  @Test
  void shouldRefuseOtherMediaTypes() throws Exception {
    for (String type : new String[] {"application/x-www-form-urlencoded", "text/plain"}) {
      TestServer.Response response =
          server.send(
              server
                  .request("/v1/videos")
                  .header("Content-Type", type)
                  .POST(HttpRequest.BodyPublishers.ofString("abc")));
      assertThat(response.status()).isEqualTo(415);
      assertThat(response.problem()).isEqualTo("unsupported-media-type");
    }
  }

  @Test
  void shouldTakeChunks() throws Exception {
    byte[] clip = TestServer.clip();
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(
          "POST /v1/videos?wait=true HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
              + "Content-Disposition: attachment; filename*=UTF-8''%E2%82%AC.mp4\r\n\r\n");
      for (int at = 0; at < clip.length; at += 1000) {
        int count = Math.min(1000, clip.length - at);
        raw.send(Integer.toHexString(count) + "\r\n");
        raw.send(Arrays.copyOfRange(clip, at, at + count));
        raw.send("\r\n");
      }
      raw.send("0\r\nTrailer: ignored\r\n\r\n");

      RawClient.Response response = raw.read();
      assertThat(response.status()).isEqualTo(201);
      assertThat(response.body()).contains("\"name\":\"\u20ac.mp4\"");
      raw.send("GET /version HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(raw.read().status()).isEqualTo(200);
    }
  }

  @Test
  void shouldInviteTheBodyOnlyWhenItIsWanted() throws Exception {
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(HEAD + "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
      assertThat(raw.read().status()).isEqualTo(100);
      raw.send("abcd");
      assertThat(raw.read().status()).isEqualTo(202);
    }
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(HEAD + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
      RawClient.Response refused = raw.read();
      assertThat(refused.status()).isEqualTo(413);
      assertThat(refused.body()).contains("too-large");
      assertThat(raw.isClosed()).isTrue();
    }
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(
          "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
              + "Content-Length: 99999\r\nExpect: 100-continue\r\n\r\n");
      assertThat(raw.read().status()).isEqualTo(413);
    }
  }

  @Test
  void shouldStopAChunkedBodyAtTheLimit() throws Exception {
    TestServer.Response response =
        server.send(
            server
                .request("/v1/videos")
                .header("Content-Type", "video/mp4")
                .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new Zeros(12L << 20))));

    assertThat(response.status()).isEqualTo(413);
    assertThat(response.json().get("detail").asText()).contains(Long.toString(8L << 20));
    Await.until(() -> server.incomingFiles() == 0);
  }

  @Test
  void shouldSayThatTheDiskIsFull(@TempDir Path other) throws Exception {
    LibraryConfig full = new LibraryConfig(8L << 20, Long.MAX_VALUE / 4, 1L << 30);
    try (TestServer crowded = new TestServer(other, TestServer.config(), full);
        RawClient raw = new RawClient(crowded.port)) {
      assertThat(crowded.upload("/v1/videos", new byte[1000]).status()).isEqualTo(507);
      raw.send(HEAD + "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
      RawClient.Response refused = raw.read();
      assertThat(refused.status()).isEqualTo(507);
      assertThat(refused.body()).contains("storage-full");
    }
  }

  @Test
  void shouldDropWhatAClientDoesNotFinish() throws Exception {
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(HEAD + "Content-Length: 1000\r\n\r\nabc");
      Await.until(() -> server.incomingFiles() == 1);
    }
    Await.until(() -> server.incomingFiles() == 0);
    try (RawClient raw = new RawClient(server.port)) {
      raw.send(
          HEAD
              + "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n"
              + "Content-Disposition: form-data; name=file\r\n\r\nabc");
      Await.until(() -> server.incomingFiles() == 1);
    }
    Await.until(() -> server.incomingFiles() == 0);
    assertThat(server.get("/v1/videos").json().get("data")).isEmpty();
  }

  /** As many zero bytes as said, made as they are read. */
  static final class Zeros extends InputStream {
    private long left;

    Zeros(long count) {
      left = count;
    }

    @Override
    public int read() throws IOException {
      return left-- > 0 ? 0 : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      if (left <= 0) {
        return -1;
      }
      int count = (int) Math.min(left, length);
      Arrays.fill(bytes, offset, offset + count, (byte) 0);
      left -= count;
      return count;
    }
  }
}
