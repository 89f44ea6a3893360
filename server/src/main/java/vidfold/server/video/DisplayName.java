package vidfold.server.video;

import org.jspecify.annotations.Nullable;

/** A file name as given by a client, made safe to show; never part of a path. */
final class DisplayName {
  private static final int MAX_CODE_POINTS = 200;
  private static final String UNNAMED = "unnamed";

  private DisplayName() {}

  /**
   * What follows the last slash or backslash, without control, format and broken characters, at
   * most 200 code points; {@code unnamed} when nothing is left.
   */
  static String of(@Nullable String given) {
    if (given == null) {
      return UNNAMED;
    }
    int start = Math.max(given.lastIndexOf('/'), given.lastIndexOf('\\')) + 1;
    StringBuilder name = new StringBuilder();
    given
        .substring(start)
        .codePoints()
        .filter(DisplayName::isShown)
        .limit(MAX_CODE_POINTS)
        .forEach(name::appendCodePoint);
    String shown = name.toString().strip();
    return shown.isEmpty() || shown.equals(".") || shown.equals("..") ? UNNAMED : shown;
  }

  private static boolean isShown(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
