package vidfold.server.config;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kind of configuration value.
 *
 * @param label its name in the table of keys
 * @param expected completes the sentence "expected .."
 * @param reader reads the text; throws IllegalArgumentException when it is not as expected
 */
public record ValueType<T>(String label, String expected, Function<String, T> reader) {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,18})\\s*(B|KiB|MiB|GiB|TiB)?");
  private static final List<String> SIZE_UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,12})\\s*(ms|s|m|h)");

  static ValueType<String> text() {
    return new ValueType<>("text", "a text", text -> require(text, !text.isBlank()));
  }

  static ValueType<String> oneOf(List<String> words) {
    return new ValueType<>(
        String.join(", ", words), "one of " + words, text -> require(text, words.contains(text)));
  }

  static ValueType<String> matching(String label, String regex) {
    return new ValueType<>(label, label, text -> require(text, text.matches(regex)));
  }

  static ValueType<Integer> integer(int min, int max) {
    return whole(min, max).map(Long::intValue);
  }

  static ValueType<Long> whole(long min, long max) {
    String range = min == Long.MIN_VALUE ? "" : " " + range(min, max, max == Integer.MAX_VALUE);
    return new ValueType<>(
        "whole number",
        "a whole number" + range,
        text -> {
          long value = Long.parseLong(text);
          return require(value, value >= min && value <= max);
        });
  }

  /** A number in [min, max], or in (0, max] when {@code min} is 0 and {@code open}. */
  static ValueType<Double> decimal(double min, boolean open, double max) {
    String range = open ? "above %s and at most %s" : "from %s to %s";
    return new ValueType<>(
        "number",
        "a number " + range.formatted(plain(min), plain(max)),
        text -> {
          double value = new BigDecimal(text).doubleValue();
          return require(value, (open ? value > min : value >= min) && value <= max);
        });
  }

  static ValueType<Double> cosine() {
    return new ValueType<>("number", "a number", text -> new BigDecimal(text).doubleValue());
  }

  static ValueType<Long> size(long min, long max) {
    String least = min == 0 ? "" : " of at least " + min + " bytes";
    String most = max == Long.MAX_VALUE ? "" : " and at most " + max;
    return new ValueType<>(
        "size",
        "a size" + least + most + ", such as 512MiB or 4GiB",
        text -> {
          Matcher parts = SIZE.matcher(text);
          require(text, parts.matches());
          String unit = parts.group(2) == null ? "B" : parts.group(2);
          long bytes =
              Math.multiplyExact(
                  Long.parseLong(parts.group(1)), 1L << (10 * SIZE_UNITS.indexOf(unit)));
          return require(bytes, bytes >= min && bytes <= max);
        });
  }

  /** {@code zero} says whether 0 is a length of time here. */
  static ValueType<Duration> duration(boolean zero) {
    return new ValueType<>(
        "duration",
        "a duration such as 500ms, 30s, 10m or 3h" + (zero ? "" : " above 0"),
        text -> {
          Matcher parts = DURATION.matcher(text.toLowerCase(Locale.ROOT));
          require(text, parts.matches());
          long amount = Long.parseLong(parts.group(1));
          Duration value =
              switch (parts.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                case "m" -> Duration.ofMinutes(amount);
                default -> Duration.ofHours(amount);
              };
          return require(value, zero || !value.isZero());
        });
  }

  /** A path; {@code ~/} at its begin is the home folder. */
  static ValueType<Path> path() {
    return new ValueType<>(
        "path",
        "a path",
        text -> {
          require(text, !text.isBlank());
          String home = System.getProperty("user.home", ".");
          return text.startsWith("~/") ? Path.of(home, text.substring(2)) : Path.of(text);
        });
  }

  /** This type, or a word that stands for no value of it. */
  ValueType<Optional<T>> or(String word) {
    return new ValueType<>(
        label + " or " + word,
        expected + ", or '" + word + "'",
        text -> text.equals(word) ? Optional.empty() : Optional.of(reader.apply(text)));
  }

  private <U> ValueType<U> map(Function<T, U> function) {
    return new ValueType<>(label, expected, reader.andThen(function));
  }

  /**
   * Reads a value.
   *
   * @throws IllegalArgumentException when the text is not as expected; the message says neither
   *     text nor key
   */
  T read(String text) {
    try {
      return reader.apply(text.strip());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("too large", e);
    }
  }

  private static <T> T require(T value, boolean holds) {
    if (!holds) {
      throw new IllegalArgumentException("not as expected");
    }
    return value;
  }

  private static String range(long min, long max, boolean unlimited) {
    return unlimited ? "of at least " + min : "from " + min + " to " + max;
  }

  private static String plain(double value) {
    return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
  }
}
