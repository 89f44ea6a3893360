package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Cuts a multipart body (RFC 2046, section 5.1) into its parts as it arrives.
 *
 * <p>Holds back no more than the start of what may be a boundary, or one part's headers. A boundary
 * counts only as a whole line, so bytes of a file that merely look like the start of one are data.
 */
final class MultipartParser {
  private static final int MAX_HEADERS = 8 << 10;
  private static final int MAX_PADDING = 64;
  private static final Pattern BOUNDARY = Pattern.compile("[ -~]{0,69}[!-~]");
  private static final byte[] HEADERS_END = {'\r', '\n', '\r', '\n'};

  /** Receives the parts in order. */
  interface Sink {
    /** A part begins. */
    void part(MediaType disposition);

    /** Bytes of the part, or of what is around the parts; valid until the next feeding. */
    void data(ByteBuffer bytes);
  }

  private enum State {
    BEFORE,
    HEADERS,
    START,
    DATA,
    AFTER
  }

  /** What follows a place where a boundary may be. */
  private enum Line {
    PART,
    END,
    DATA,
    UNKNOWN
  }

  private final byte[] delimiter;
  private final Sink sink;
  private State state = State.BEFORE;

  /** Bytes that are not consumed yet: {@code [from, to)}. */
  private byte[] held;

  private int from;
  private int to;
  private int lineEnd;

  /** Throws a problem when the boundary is not one. */
  MultipartParser(String boundary, Sink sink) {
    if (!BOUNDARY.matcher(boundary).matches()) {
      throw malformed("The Content-Type of a form names its boundary, of 1 to 70 characters.");
    }
    this.delimiter = ("\r\n--" + boundary).getBytes(StandardCharsets.US_ASCII);
    this.sink = sink;
    this.held = new byte[MAX_HEADERS];
    // The first boundary may be at the very start, as if a line had ended before it.
    held[to++] = '\r';
    held[to++] = '\n';
  }

  /** Takes bytes without keeping the buffer; what was given to the sink before is overwritten. */
  void feed(ByteBuf bytes) {
    append(bytes);
    boolean more = true;
    while (more) {
      more =
          switch (state) {
            case BEFORE, DATA -> data();
            case HEADERS -> headers();
            case START -> start();
            case AFTER -> after();
          };
    }
  }

  /** Throws a problem when the body ended too early. */
  void end() {
    if (state != State.AFTER) {
      throw malformed("The form ends before its last boundary.");
    }
  }

  private void append(ByteBuf bytes) {
    int count = bytes.readableBytes();
    int kept = to - from;
    byte[] target = kept + count <= held.length ? held : new byte[kept + count];
    System.arraycopy(held, from, target, 0, kept);
    bytes.readBytes(target, kept, count);
    held = target;
    from = 0;
    to = kept + count;
  }

  /** Emits data up to the next boundary; false when more bytes are needed. */
  private boolean data() {
    int at = from;
    while (true) {
      at = indexOf(delimiter, at);
      if (at < 0) {
        emit(Math.max(from, to - delimiter.length + 1));
        return false;
      }
      Line line = lineAfter(at + delimiter.length);
      if (line == Line.UNKNOWN) {
        emit(at);
        return false;
      }
      if (line != Line.DATA) {
        emit(at);
        // The line end is kept: headers may be empty, and then end with it.
        from = line == Line.PART ? lineEnd - 2 : to;
        state = line == Line.PART ? State.HEADERS : State.AFTER;
        return true;
      }
      at++;
    }
  }

  private Line lineAfter(int at) {
    if (at < to && held[at] == '-') {
      return at + 1 == to ? Line.UNKNOWN : held[at + 1] == '-' ? Line.END : Line.DATA;
    }
    int end = at;
    while (end < to && (held[end] == ' ' || held[end] == '\t')) {
      end++;
    }
    if (end - at > MAX_PADDING) {
      return Line.DATA;
    }
    if (end == to || (held[end] == '\r' && end + 1 == to)) {
      return Line.UNKNOWN;
    }
    lineEnd = end + 2;
    return held[end] == '\r' && held[end + 1] == '\n' ? Line.PART : Line.DATA;
  }

  private boolean headers() {
    int end = indexOf(HEADERS_END, from);
    if (end < 0) {
      if (to - from > MAX_HEADERS) {
        throw malformed("The headers of a part of the form are too large.");
      }
      return false;
    }
    String text = new String(held, from, end - from, StandardCharsets.ISO_8859_1);
    from = end + 2;
    state = State.START;
    sink.part(disposition(text));
    return true;
  }

  /** Skips the line end after the headers, unless it begins a boundary: a part without bytes. */
  private boolean start() {
    int seen = Math.min(to - from, delimiter.length);
    boolean boundary = Arrays.equals(held, from, from + seen, delimiter, 0, seen);
    if (boundary && seen < delimiter.length) {
      return false;
    }
    if (!boundary) {
      from += 2;
    }
    state = State.DATA;
    return true;
  }

  private boolean after() {
    from = to;
    return false;
  }

  private void emit(int end) {
    if (end > from) {
      sink.data(ByteBuffer.wrap(held, from, end - from));
      from = end;
    }
  }

  private int indexOf(byte[] wanted, int start) {
    int last = to - wanted.length;
    for (int i = start; i <= last; i++) {
      if (held[i] == wanted[0]
          && Arrays.equals(held, i, i + wanted.length, wanted, 0, wanted.length)) {
        return i;
      }
    }
    return -1;
  }

  private static MediaType disposition(String headers) {
    for (String line : headers.split("\r\n", -1)) {
      int colon = line.indexOf(':');
      if (colon > 0
          && line.substring(0, colon)
              .strip()
              .toLowerCase(Locale.ROOT)
              .equals("content-disposition")) {
        return MediaType.of(line.substring(colon + 1).strip());
      }
    }
    return MediaType.of(null);
  }

  private static ProblemException malformed(String detail) {
    return Problem.of(400, "malformed-form", detail).asException();
  }
}
