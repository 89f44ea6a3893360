package vidfold.text;

import java.util.Locale;
import java.util.Map;

/**
 * One part of a message.
 *
 * @param kind what it is
 * @param text its text; empty unless it is a text
 */
public record ChatPart(Kind kind, String text) {

  /** Kinds of parts, as templates name them. */
  public enum Kind {
    TEXT,
    IMAGE,
    VIDEO
  }

  public ChatPart {
    if (kind != Kind.TEXT && !text.isEmpty()) {
      throw new IllegalArgumentException("expected no text in " + kind + " but found some");
    }
  }

  public static ChatPart text(String text) {
    return new ChatPart(Kind.TEXT, text);
  }

  public static ChatPart image() {
    return new ChatPart(Kind.IMAGE, "");
  }

  public static ChatPart video() {
    return new ChatPart(Kind.VIDEO, "");
  }

  /** What a template sees: {@code type}, and {@code text} when it is one. */
  Map<String, Object> variables() {
    String type = kind.name().toLowerCase(Locale.ROOT);
    return kind == Kind.TEXT ? Map.of("type", type, "text", text) : Map.of("type", type);
  }
}
