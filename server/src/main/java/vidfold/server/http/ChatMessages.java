package vidfold.server.http;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import vidfold.server.engine.Question;

/**
 * Reads the messages of a chat request.
 *
 * <p>Texts of one message, and of user messages that follow each other, are joined by line ends.
 * The text of system messages goes before the first question: the model's own system message is
 * part of the cached prefix.
 */
final class ChatMessages {
  private static final Set<String> PART_FIELDS = Set.of("type", "text", "video_url", "image_url");
  private static final Set<String> FIELDS =
      Set.of(
          "role",
          "content",
          "name",
          "refusal",
          "annotations",
          "audio",
          "tool_calls",
          "function_call");

  /** Clients repeat them, empty, from answers that they were given. */
  private static final List<String> ANSWERED = List.of("audio", "tool_calls", "function_call");

  private static final String VIDEO_URL = "video_url";
  private static final String IMAGE_URL = "image_url";
  private static final Set<String> SHOWN = Set.of(VIDEO_URL, IMAGE_URL);
  private static final String NOT_FETCHED =
      "is an address, and nothing is fetched here: upload the video with POST /v1/videos and give"
          + " its id, or send a data: URL";

  private final List<Question.Turn> history = new ArrayList<>();
  private final StringBuilder system = new StringBuilder();
  private final Set<String> videoIds = new LinkedHashSet<>();
  private int videos;
  private int pictures;

  /** The user's text that no assistant has answered yet. */
  private @Nullable String asked;

  private ChatMessages() {}

  /** Reads {@code messages}, the last of which asks. */
  static ChatConversation read(JsonBody body) {
    ChatMessages reader = new ChatMessages();
    List<JsonBody> messages = body.objects("messages", FIELDS);
    messages.forEach(reader::message);
    String text = reader.asked;
    if (text == null) {
      throw body.refuse("messages", "must end with a message of the user");
    }
    if (text.isBlank()) {
      throw body.refuse("messages", "must end with a text of the user that is not empty");
    }
    return reader.conversation(body, text);
  }

  private ChatConversation conversation(JsonBody body, String text) {
    int sources = videoIds.size() + videos + (pictures > 0 ? 1 : 0);
    if (sources != 1) {
      throw body.refuse(
          "messages",
          "must hold exactly one video ('video_url') or one list of pictures ('image_url'), but "
              + (sources == 0 ? "there is none" : "there is more than one"));
    }
    String id = videoIds.isEmpty() ? null : videoIds.iterator().next();
    return new ChatConversation(history, text, id, videos > 0, pictures);
  }

  private void message(JsonBody message) {
    for (String field : ANSWERED) {
      if (message.has(field) && !String.valueOf(message.raw(field)).equals("[]")) {
        throw message.refuse(field, "is not supported");
      }
    }
    String role = message.text("role");
    if (role == null) {
      throw message.refuse("role", "is missing");
    }
    switch (role) {
      case "system", "developer" -> system(message);
      case "user" -> user(message);
      case "assistant" -> assistant(message);
      default -> throw message.refuse("role", "must be system, developer, user or assistant");
    }
  }

  private void system(JsonBody message) {
    if (asked != null || !history.isEmpty()) {
      throw message.refuse("role", "is a system message, which must come before all others");
    }
    String text = content(message, false);
    if (!text.isBlank()) {
      system.append(text).append("\n\n");
    }
  }

  private void user(JsonBody message) {
    String text = content(message, true);
    String before = asked;
    if (before != null && !before.isBlank()) {
      asked = text.isBlank() ? before : before + "\n" + text;
    } else {
      asked = history.isEmpty() && !text.isBlank() ? system + text : text;
    }
  }

  private void assistant(JsonBody message) {
    String question = asked;
    if (question == null || question.isBlank()) {
      throw message.refuse("role", "is an answer, but there is no text of the user before it");
    }
    history.add(new Question.Turn(question, content(message, false), null));
    asked = null;
  }

  private String content(JsonBody message, boolean shows) {
    if (!message.has("content")) {
      throw message.refuse("content", "must be a string or a list of parts");
    }
    if (message.isText("content")) {
      return String.valueOf(message.text("content"));
    }
    List<String> texts = new ArrayList<>();
    for (JsonBody part : message.objects("content", PART_FIELDS)) {
      String type = part.text("type");
      if ("text".equals(type)) {
        String text = part.text("text");
        if (text == null) {
          throw part.refuse("text", "is missing");
        }
        texts.add(text);
      } else if (type != null && shows && SHOWN.contains(type)) {
        show(part, type);
      } else {
        throw part.refuse(
            "type", shows ? "must be text, video_url or image_url" : "must be text in this role");
      }
    }
    return String.join("\n", texts);
  }

  private void show(JsonBody part, String type) {
    JsonBody given = part.object(type, Set.of("url", "detail"));
    String url = given == null ? null : given.text("url");
    if (given == null || url == null) {
      throw part.refuse(type, "must be an object with a 'url'");
    }
    if (given.has("detail") && !given.isWord("detail", "auto")) {
      throw given.refuse("detail", "can only be auto: the model decides on the size of frames");
    }
    if (url.startsWith("http:") || url.startsWith("https:")) {
      throw given.refuse("url", NOT_FETCHED);
    }
    String media = DataUrls.isTaken(url) ? DataUrls.mediaType(url) : "";
    if (type.equals(IMAGE_URL)) {
      if (!media.startsWith("image/")) {
        throw given.refuse("url", "must be data:image/png;base64,.. or data:image/jpeg;base64,..");
      }
      pictures++;
    } else if (url.startsWith("vid_")) {
      videoIds.add(url);
    } else if (media.startsWith("video/")) {
      videos++;
    } else {
      throw given.refuse("url", "must be the id of an uploaded video or data:video/..;base64,..");
    }
  }
}
