package vidfold.server.video;

/**
 * A request that the store cannot serve, with a reason for programs and a sentence for people.
 *
 * <p>The message never holds a path or a native message.
 */
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Why; stable across versions. */
  public enum Kind {
    /** More bytes, or more frame memory, than one video may take. */
    TOO_LARGE,
    /** The disk has no room for another video. */
    STORAGE_FULL,
    /** There is no such video, or it was deleted meanwhile. */
    NO_SUCH_VIDEO,
    /** The video has no bytes to read: its ingest failed. */
    NOT_READY,
    /** The model takes no frames of this shape. */
    UNSUPPORTED_SHAPE,
    /** There is no such session, or it was deleted meanwhile. */
    NO_SUCH_SESSION
  }

  private final Kind kind;

  public StoreException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  /** Why the request cannot be served. */
  public Kind kind() {
    return kind;
  }

  /** The video is not there. */
  public static StoreException noSuchVideo(String id) {
    return new StoreException(Kind.NO_SUCH_VIDEO, "There is no video '" + id + "'.");
  }

  /** The session is not there. */
  public static StoreException noSuchSession(String id) {
    return new StoreException(Kind.NO_SUCH_SESSION, "There is no session '" + id + "'.");
  }
}
