package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.util.ByteProcessor;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Base64;

/**
 * Takes the {@code data:} URLs out of a JSON document while it arrives, so that the videos and
 * pictures in it are never on the heap as a whole.
 *
 * <p>What follows the comma of a string that begins with {@code data:}, has {@code ;base64} before
 * that comma and is the value of a member called {@code url}, goes to the sink as bytes. The rest
 * of the document, with these strings ending at their comma, is kept up to a limit. That it is JSON
 * is for its reader to find out. Used by one thread.
 */
final class DataUrls {
  private static final String SCHEME = "data:";
  private static final String BASE64 = ";base64,";
  private static final String URL = "url";
  private static final int MAX_HEAD = 200;

  /** Four characters are three bytes. */
  private static final int PIECE = 4 << 13;

  private static final ByteProcessor PLAIN = b -> b != '"' && b != '\\';

  /** Who takes the bytes of the URLs. */
  interface Sink {
    /** A URL begins; its type is in lower case, without parameters. */
    void beginUrl(String mediaType);

    /** The next bytes of it, which are the sink's from now on. */
    void data(ByteBuffer bytes);

    void endUrl();
  }

  private enum State {
    /** Between strings. */
    OUTSIDE,
    /** In a string that is kept. */
    STRING,
    /** In the value of a {@code url}, before its comma. */
    HEAD,
    /** After that comma. */
    DATA
  }

  private final int limit;
  private final Sink sink;
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
  private final StringBuilder token = new StringBuilder();
  private final byte[] piece = new byte[PIECE];

  private State state = State.OUTSIDE;
  private boolean afterUrl;
  private boolean afterColon;
  private int filled;
  private boolean padded;

  /** A string's escape as far as it has arrived; empty outside of one. */
  private final StringBuilder escape = new StringBuilder();

  /**
   * Creates one for a document.
   *
   * @param limit the most bytes that are kept
   */
  DataUrls(int limit, Sink sink) {
    this.limit = limit;
    this.sink = sink;
  }

  /** The document without its data; not to be called before its end. */
  byte[] json() {
    return kept.toByteArray();
  }

  /** Takes the next bytes, which stay the caller's. */
  void feed(ByteBuf bytes) {
    while (bytes.isReadable()) {
      if (state == State.DATA && escape.isEmpty()) {
        data(bytes);
      } else {
        step(bytes.readByte());
      }
    }
  }

  private void step(byte b) {
    switch (state) {
      case OUTSIDE -> {
        keep(b);
        outside(b);
      }
      case STRING -> {
        keep(b);
        string(b);
      }
      case HEAD -> {
        keep(b);
        head(b);
      }
      case DATA -> {
        if (unescaped(b)) {
          add(token.charAt(token.length() - 1));
        }
      }
    }
  }

  private void outside(byte b) {
    switch (b) {
      case '"' -> {
        state = afterColon ? State.HEAD : State.STRING;
        token.setLength(0);
        afterUrl = false;
        afterColon = false;
      }
      case ':' -> afterColon = afterUrl;
      case ' ', '\t', '\n', '\r' -> {}
      default -> {
        afterUrl = false;
        afterColon = false;
      }
    }
  }

  private void string(byte b) {
    if (!escape.isEmpty()) {
      escape.setLength(0);
    } else if (b == '\\') {
      escape.append('\\');
    } else if (b == '"') {
      state = State.OUTSIDE;
      afterUrl = URL.contentEquals(token);
      return;
    }
    if (token.length() <= URL.length()) {
      token.append((char) b);
    }
  }

  private void head(byte b) {
    if (escape.isEmpty() && b == '"') {
      state = State.OUTSIDE;
      return;
    }
    if (!unescaped(b)) {
      return;
    }
    boolean data = token.length() > SCHEME.length() || SCHEME.startsWith(token.toString());
    if (!data || token.length() > MAX_HEAD) {
      state = State.STRING;
    } else if (token.charAt(token.length() - 1) == ',') {
      String head = token.toString();
      state = head.endsWith(BASE64) ? State.DATA : State.STRING;
      if (state == State.DATA) {
        filled = 0;
        padded = false;
        sink.beginUrl(mediaType(head));
      }
    }
  }

  /** The type of a URL, of which no more than the part up to its comma is needed. */
  static String mediaType(String url) {
    return MediaType.of(url.substring(SCHEME.length(), url.indexOf(','))).name();
  }

  /** Whether a URL is one whose data was taken out. */
  static boolean isTaken(String url) {
    return url.startsWith(SCHEME) && url.endsWith(BASE64) && url.indexOf(',') == url.length() - 1;
  }

  /** Appends the character that a byte of a string is or completes; false when it does neither. */
  private boolean unescaped(byte b) {
    if (escape.isEmpty() && b != '\\') {
      token.append((char) (b & 0xff));
      return true;
    }
    escape.append((char) (b & 0xff));
    int length = escape.length();
    if (length == 1 || (length < 6 && escape.charAt(1) == 'u')) {
      return false;
    }
    token.append(length == 6 ? hex(escape.substring(2)) : escaped(escape.charAt(1)));
    escape.setLength(0);
    return true;
  }

  /** The control characters, which letters stand for, are all alike here: no part of a URL. */
  private static char escaped(char c) {
    return c == '/' || c == '\\' || c == '"' ? c : '\n';
  }

  private static char hex(String digits) {
    int value = 0;
    for (int i = 0; i < digits.length(); i++) {
      int digit = Character.digit(digits.charAt(i), 16);
      if (digit < 0) {
        throw noBase64();
      }
      value = value << 4 | digit;
    }
    return (char) value;
  }

  private void data(ByteBuf bytes) {
    int stop = bytes.forEachByte(PLAIN);
    int count = (stop < 0 ? bytes.writerIndex() : stop) - bytes.readerIndex();
    while (count > 0) {
      int taken = Math.min(count, PIECE - filled);
      bytes.readBytes(piece, filled, taken);
      filled += taken;
      count -= taken;
      flushIfFull();
    }
    if (stop < 0) {
      return;
    }
    byte end = bytes.readByte();
    if (end == '"') {
      keep(end);
      flush();
      state = State.OUTSIDE;
      sink.endUrl();
    } else {
      token.setLength(0);
      escape.append('\\');
    }
  }

  private void add(char c) {
    if (c > 127) {
      throw noBase64();
    }
    piece[filled++] = (byte) c;
    flushIfFull();
  }

  private void flushIfFull() {
    if (filled == PIECE) {
      flush();
    }
  }

  private void flush() {
    if (filled == 0) {
      return;
    }
    if (padded) {
      throw noBase64();
    }
    padded = piece[filled - 1] == '=';
    try {
      sink.data(Base64.getDecoder().decode(ByteBuffer.wrap(piece, 0, filled)));
    } catch (IllegalArgumentException e) {
      throw noBase64();
    }
    filled = 0;
  }

  private void keep(byte b) {
    if (kept.size() == limit) {
      throw Problem.of(
              413,
              "too-large",
              "What is around the data: URLs is larger than the %d bytes that are allowed."
                  .formatted(limit))
          .asException();
    }
    kept.write(b);
  }

  private static ProblemException noBase64() {
    return Problems.field("messages", "A data: URL in 'messages' is not well-formed base64.");
  }
}
