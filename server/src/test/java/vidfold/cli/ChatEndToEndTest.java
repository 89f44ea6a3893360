package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.model.SamplingRule;
import vidfold.model.VideoFrames;
import vidfold.server.config.ServerConfig;
import vidfold.server.config.Settings;
import vidfold.server.config.Settings.Flag;
import vidfold.video.TestClips;

/** The OpenAI route beside the native ones, with the embedded model. */
class ChatEndToEndTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path DEMO_CLIP =
      Path.of("../deploy/models/demo/clips/circle-and-triangle.mp4");

  @TempDir private Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private Path starts;
  private ServerAssembly server;
  private URI address;

  @BeforeEach
  void start() throws IOException {
    starts = Files.createDirectory(folder.resolve("starts"));
    Path programs = Files.createDirectory(folder.resolve("programs"));
    TestClips.shared().countedPrograms(programs, starts);
    List<Flag> flags =
        Stream.of(
                List.of("model.path", "../deploy/models/demo/weights"),
                List.of("model.device", "cpu"),
                List.of("model.dtype", "f32"),
                List.of("http.port", "0"),
                List.of("data.folder", folder.resolve("data").toString()),
                List.of("ffmpeg.folder", programs.toString()))
            .map(pair -> new Flag("--set", pair.get(0), pair.get(1)))
            .toList();
    ServerConfig config = ServerConfig.of(Settings.read(null, Map.of(), flags));
    server = ServerAssembly.open(config);
    address = URI.create("http://127.0.0.1:" + server.listen(config.http()));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldChatAboutPicturesAsTheNativeRoutesDo() throws Exception {
    List<byte[]> pictures = pictures(upload("video/mp4", BodyPublishers.ofFile(DEMO_CLIP)));
    String times = "[0.25, 1, 2.5, 4]";
    String dials = "\"reducer\": \"sttm\", \"retention\": 0.25, \"merge_layer\": 0";
    ObjectNode extension = (ObjectNode) JSON.readTree("{" + dials + ", \"times\": " + times + "}");
    ObjectNode chat = JSON.createObjectNode().put("model", "weights").put("max_tokens", 24);
    chat.put("logprobs", true).put("top_logprobs", 1).set("vidfold", extension);
    ArrayNode messages = chat.putArray("messages");
    show(messages.addObject(), pictures, "What shape is the red object?");

    JsonNode first = post("/v1/chat/completions", chat, 200);
    long programs = started();
    JsonNode second = post("/v1/chat/completions", chat, 200);

    assertThat(first.at("/vidfold/receipt/cache/hit").asBoolean()).isFalse();
    assertThat(first.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isZero();
    assertThat(second.at("/vidfold/receipt/cache/hit").asBoolean()).isTrue();
    assertThat(second.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isPositive();
    assertThat(second.at("/vidfold/receipt/frames").toString()).isEqualTo("[0.25,1.0,2.5,4.0]");
    assertThat(second.get("choices")).isEqualTo(first.get("choices"));
    assertThat(started()).isEqualTo(programs);

    String video = upload(pictures, times);
    assertThat(video).isEqualTo(second.at("/vidfold/video").asText());
    ObjectNode question = (ObjectNode) JSON.readTree("{" + dials + "}");
    question.put("question", "What shape is the red object?").put("max_tokens", 24);
    String session =
        post("/v1/sessions", JSON.createObjectNode().put("video_id", video), 201)
            .get("id")
            .asText();
    String path = "/v1/sessions/" + session + "/messages";
    JsonNode alone = post("/v1/videos/" + video + "/questions", question.put("logprobs", 1), 200);
    assertSame(second, alone);
    assertSame(second, post(path, question, 200));

    messages.addObject().put("role", "assistant").put("content", alone.get("answer").asText());
    messages.addObject().put("role", "user").put("content", "Where is it going?");
    JsonNode turn = post(path, question.put("question", "Where is it going?"), 200);
    assertSame(post("/v1/chat/completions", chat, 200), turn);
  }

  /** A chat completion and an answer object that say the same, token by token. */
  private static void assertSame(JsonNode chat, JsonNode answer) {
    assertThat(chat.at("/choices/0/message/content")).isEqualTo(answer.get("answer"));
    assertThat(chat.at("/choices/0/finish_reason")).isEqualTo(answer.get("finish_reason"));
    assertThat(chat.at("/usage/prompt_tokens")).isEqualTo(answer.at("/usage/prompt_tokens"));
    assertThat(tokens(chat.at("/choices/0/logprobs/content")))
        .isEqualTo(tokens(answer.get("logprobs")))
        .isNotEmpty();
  }

  private static void show(ObjectNode message, List<byte[]> pictures, String text) {
    ArrayNode parts = message.put("role", "user").putArray("content");
    for (byte[] picture : pictures) {
      String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(picture);
      parts.addObject().put("type", "image_url").putObject("image_url").put("url", url);
    }
    parts.addObject().put("type", "text").put("text", text);
  }

  /** Four of a video's frames as PNG files. */
  private List<byte[]> pictures(String video) throws IOException {
    SamplingRule rule = new SamplingRule(1, 4, 4, true);
    VideoFrames frames = server.library().read("default", video, rule).join().frames();
    List<byte[]> pictures = new ArrayList<>();
    for (ByteBuffer rgb : frames.rgb()) {
      BufferedImage image =
          new BufferedImage(frames.width(), frames.height(), BufferedImage.TYPE_3BYTE_BGR);
      for (int i = 0; i < frames.width() * frames.height(); i++) {
        int colour = (rgb.get(3 * i) & 255) << 16 | (rgb.get(3 * i + 1) & 255) << 8;
        image.setRGB(i % frames.width(), i / frames.width(), colour | (rgb.get(3 * i + 2) & 255));
      }
      ByteArrayOutputStream png = new ByteArrayOutputStream();
      ImageIO.write(image, "png", png);
      pictures.add(png.toByteArray());
    }
    return pictures;
  }

  private String upload(List<byte[]> pictures, String times) throws Exception {
    List<byte[]> form = new ArrayList<>();
    String head = "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n";
    for (byte[] picture : pictures) {
      form.add(head.formatted("frames").getBytes(StandardCharsets.US_ASCII));
      form.add(picture);
      form.add("\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    String end = head.formatted("times") + times + "\r\n--b--\r\n";
    form.add(end.getBytes(StandardCharsets.US_ASCII));
    return upload("multipart/form-data; boundary=b", BodyPublishers.ofByteArrays(form));
  }

  private String upload(String type, BodyPublisher body) throws Exception {
    return send("/v1/videos?wait=true", type, body, 201).get("id").asText();
  }

  private JsonNode post(String path, ObjectNode body, int expected) throws Exception {
    return send(path, "application/json", BodyPublishers.ofString(body.toString()), expected);
  }

  private JsonNode send(String path, String type, BodyPublisher body, int expected)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(address.resolve(path))
            .header("Content-Type", type)
            .POST(body)
            .build();
    HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(expected);
    return JSON.readTree(response.body());
  }

  private static List<String> tokens(JsonNode logprobs) {
    List<String> tokens = new ArrayList<>();
    logprobs.forEach(token -> tokens.add(token.get("token").asText()));
    return tokens;
  }

  private long started() throws IOException {
    try (Stream<Path> all = Files.list(starts)) {
      return all.count();
    }
  }
}
