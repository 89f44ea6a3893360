package vidfold.text;

import java.util.List;
import java.util.Map;

/**
 * One message of a conversation. A template sees its content as a list of parts, or, if it was made
 * by {@link #plain}, as a string; some templates treat the two differently.
 *
 * @param role system, user or assistant
 * @param parts what it consists of, in order
 * @param plain whether its one text part is shown as a string
 */
public record ChatMessage(String role, List<ChatPart> parts, boolean plain) {

  public ChatMessage {
    parts = List.copyOf(parts);
    if (plain && (parts.size() != 1 || parts.get(0).kind() != ChatPart.Kind.TEXT)) {
      throw new IllegalArgumentException("expected one text but found " + parts);
    }
  }

  /** A message of parts. */
  public static ChatMessage of(String role, ChatPart... parts) {
    return new ChatMessage(role, List.of(parts), false);
  }

  /** A message whose content is a string. */
  public static ChatMessage plain(String role, String text) {
    return new ChatMessage(role, List.of(ChatPart.text(text)), true);
  }

  /** What a template sees: {@code role} and {@code content}. */
  Map<String, Object> variables() {
    Object content = plain ? parts.get(0).text() : parts.stream().map(ChatPart::variables).toList();
    return Map.of("role", role, "content", content);
  }
}
