package vidfold.server.http;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Bodies of chat requests, put together from texts of JSON. */
final class Chat {
  static final String PATH = "/v1/chat/completions";

  private Chat() {}

  static String body(String messages, String more) {
    return "{\"model\":\"fake\",\"messages\":[" + messages + "]" + more + "}";
  }

  static String request(String body) {
    int length = body.getBytes(StandardCharsets.UTF_8).length;
    return "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(PATH, length, body);
  }

  static String user(String... parts) {
    return "{\"role\":\"user\",\"content\":[" + String.join(",", parts) + "]}";
  }

  static String text(String text) {
    return "{\"type\":\"text\",\"text\":\"" + text + "\"}";
  }

  static String shown(String id) {
    return part("video_url", id);
  }

  static String video(byte[] bytes) {
    return part("video_url", "data:video/mp4;base64," + base64(bytes));
  }

  static String picture(byte[] bytes) {
    return part("image_url", "data:image/png;base64," + base64(bytes));
  }

  static String part(String type, String url) {
    return "{\"type\":\"%s\",\"%s\":{\"url\":\"%s\"}}".formatted(type, type, url);
  }

  static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
