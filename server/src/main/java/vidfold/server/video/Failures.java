package vidfold.server.video;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import vidfold.server.engine.DeviceFullException;
import vidfold.video.VideoException;

/** The stable problem types of videos that cannot be used. */
public final class Failures {
  /** The problem type of what the device has no room for. */
  public static final String OUT_OF_MEMORY = "out-of-memory";

  /** Ingest was begun again and again and never came to an end. */
  static final VideoRecord.Failure INTERRUPTED =
      new VideoRecord.Failure(
          "ingest-interrupted",
          "Processing this video was interrupted too often. Upload it again to try once more.");

  /** The bytes are not where they were put. */
  static final VideoRecord.Failure BYTES_LOST =
      new VideoRecord.Failure(
          "bytes-lost", "The stored bytes of this video are gone. Upload it again.");

  private Failures() {}

  /** What is told about a failure; the wrappers of futures are looked through. */
  public static VideoRecord.Failure of(Throwable failure) {
    Throwable cause = unwrap(failure);
    if (cause instanceof VideoException video) {
      return new VideoRecord.Failure(type(video.reason()), sentence(video));
    }
    if (cause instanceof StoreException store) {
      return new VideoRecord.Failure(type(store.kind()), sentence(store));
    }
    if (cause instanceof DeviceFullException full) {
      return new VideoRecord.Failure(OUT_OF_MEMORY, sentence(full));
    }
    return new VideoRecord.Failure(
        "internal-error", "The server failed to process this video. The log says why.");
  }

  /** The failure inside the wrappers of futures. */
  public static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  /** The stable problem type of a video that cannot be used. */
  public static String type(VideoException.Reason reason) {
    return switch (reason) {
      case NOT_A_VIDEO -> "not-a-video";
      case NO_VIDEO_STREAM -> "no-video-stream";
      case UNSUPPORTED_CODEC -> "unsupported-codec";
      case UNSUPPORTED_CONTAINER -> "unsupported-container";
      case TRUNCATED -> "truncated-video";
      case TOO_LONG -> "too-long";
      case TOO_MANY_PIXELS -> "too-many-pixels";
      case TOO_MANY_BYTES -> "too-large";
      case TOO_MANY_FRAMES -> "too-many-frames";
      case BAD_PICTURE -> "bad-picture";
      case DECODE_FAILED -> "undecodable-video";
      case TIMED_OUT -> "decoding-timed-out";
      case CANCELLED -> "cancelled";
    };
  }

  /** The stable problem type of a request that the store cannot serve. */
  public static String type(StoreException.Kind kind) {
    return switch (kind) {
      case TOO_LARGE -> "too-large";
      case STORAGE_FULL -> "storage-full";
      case NO_SUCH_VIDEO -> "no-such-video";
      case NOT_READY -> "video-not-ready";
      case UNSUPPORTED_SHAPE -> "unsupported-frame-shape";
      case NO_SUCH_SESSION -> "no-such-session";
    };
  }

  private static String sentence(RuntimeException failure) {
    String message = failure.getMessage();
    return message == null ? "This video cannot be used." : message;
  }
}
