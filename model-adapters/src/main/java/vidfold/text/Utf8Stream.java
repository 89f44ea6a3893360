package vidfold.text;

import java.util.Arrays;

/**
 * Bytes in, complete characters out. The longest start of a character that turns out not to be one
 * becomes a single U+FFFD (Unicode 15, section 3.9, "maximal subparts"), as in Rust and Python;
 * {@code String} differs for surrogates, so it cannot be used here.
 */
final class Utf8Stream {

  private static final char REPLACEMENT = '\uFFFD';

  private byte[] held = {};

  /** Adds bytes; returns the characters that are certain now. */
  String push(byte[] bytes) {
    byte[] input = held;
    if (bytes.length > 0) {
      input = Arrays.copyOf(held, held.length + bytes.length);
      System.arraycopy(bytes, 0, input, held.length, bytes.length);
    }
    StringBuilder text = new StringBuilder(input.length);
    int at = 0;
    while (at < input.length) {
      int length = lengthOf(input[at] & 0xFF);
      int fitting = fitting(input, at, length);
      if (length > 0 && fitting == length) {
        text.appendCodePoint(codePoint(input, at, length));
      } else if (length > 0 && at + fitting == input.length) {
        break; // may still become a character
      } else {
        text.append(REPLACEMENT);
      }
      at += fitting;
    }
    held = Arrays.copyOfRange(input, at, input.length);
    return text.toString();
  }

  /** Ends the stream: the start of a character that was held back becomes U+FFFD. */
  String finish() {
    boolean incomplete = held.length > 0;
    held = new byte[0];
    return incomplete ? String.valueOf(REPLACEMENT) : "";
  }

  /** Bytes of the character that starts with this byte; 0 when none does. */
  private static int lengthOf(int lead) {
    if (lead < 0x80) {
      return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
      return 0;
    }
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  }

  /** How many bytes from here fit one character of this length; at least 1. */
  private static int fitting(byte[] input, int at, int length) {
    int fitting = 1;
    while (fitting < length && at + fitting < input.length) {
      int next = input[at + fitting] & 0xFF;
      boolean fits = fitting == 1 ? second(input[at] & 0xFF, next) : next >> 6 == 0b10;
      if (!fits) {
        break;
      }
      fitting++;
    }
    return fitting;
  }

  /** Whether a second byte may follow: no overlong forms, no surrogates, nothing past U+10FFFF. */
  private static boolean second(int lead, int next) {
    return switch (lead) {
      case 0xE0 -> next >= 0xA0 && next <= 0xBF;
      case 0xED -> next >= 0x80 && next <= 0x9F;
      case 0xF0 -> next >= 0x90 && next <= 0xBF;
      case 0xF4 -> next >= 0x80 && next <= 0x8F;
      default -> next >> 6 == 0b10;
    };
  }

  private static int codePoint(byte[] input, int at, int length) {
    int point = length == 1 ? input[at] : input[at] & (0xFF >> (length + 1));
    for (int i = 1; i < length; i++) {
      point = point << 6 | (input[at + i] & 0x3F);
    }
    return point;
  }
}
