package vidfold.video;

/**
 * A video that cannot be used, with a reason for programs and a sentence for people.
 *
 * <p>The message says what was found and what was expected. It never holds a path, an address or a
 * line of the decoder: those go to the debug log.
 */
public final class VideoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why a video cannot be used. */
  public enum Reason {
    /** The bytes are no video at all. */
    NOT_A_VIDEO,
    /** A media file without a moving picture. */
    NO_VIDEO_STREAM,
    /** The picture is coded in a way that is not on the allow-list. */
    UNSUPPORTED_CODEC,
    /** A video in a container that is not on the allow-list. */
    UNSUPPORTED_CONTAINER,
    /** Too much of the file is missing to play anything. */
    TRUNCATED,
    /** Longer than allowed. */
    TOO_LONG,
    /** Frames larger than allowed. */
    TOO_MANY_PIXELS,
    /** The file is larger than allowed. */
    TOO_MANY_BYTES,
    /** More frames in the file, or more frames asked for, than allowed. */
    TOO_MANY_FRAMES,
    /** A picture of a list cannot be read, or is unlike the others. */
    BAD_PICTURE,
    /** The decoder gave up, crashed or produced no frame. */
    DECODE_FAILED,
    /** The decoder took longer than allowed. */
    TIMED_OUT,
    /** The caller no longer wants the result. */
    CANCELLED
  }

  private final Reason reason;

  VideoException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  VideoException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why; stable across versions. */
  public Reason reason() {
    return reason;
  }
}
