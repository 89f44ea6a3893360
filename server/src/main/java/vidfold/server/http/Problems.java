package vidfold.server.http;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.server.engine.DeviceFullException;
import vidfold.server.engine.QueueFullException;
import vidfold.server.video.Failures;
import vidfold.server.video.StoreException;
import vidfold.server.video.VideoRecord;
import vidfold.video.VideoException;

/**
 * The one place that turns exceptions into problems.
 *
 * <p>Whatever is not named here is the server's own fault: the client learns the request id, the
 * log the cause.
 */
final class Problems {
  private static final Logger log = LoggerFactory.getLogger(Problems.class);
  private static final String OWN_CODE = "vidfold.";

  private Problems() {}

  /** What a client is told about a failure; the wrappers of futures are looked through. */
  static Problem of(Throwable failure, String requestId) {
    Throwable cause = Failures.unwrap(failure);
    if (cause instanceof ProblemException known) {
      return known.problem();
    }
    if (cause instanceof StoreException store) {
      return ofStore(store);
    }
    if (cause instanceof VideoException video) {
      return ofVideo(Failures.of(video));
    }
    if (cause instanceof QueueFullException full) {
      return Problem.of(429, "queue-full", sentence(full)).withHeader("Retry-After", "1");
    }
    if (cause instanceof DeviceFullException full) {
      return ofDevice(full);
    }
    if (cause instanceof CancellationException) {
      return stopping();
    }
    if (cause instanceof RejectedExecutionException) {
      return Problem.of(503, "overloaded", "The server has too much to do. Try again later.")
          .withHeader("Retry-After", "1");
    }
    if (cause instanceof IllegalArgumentException argument && isOwn(argument)) {
      return Problem.of(400, "invalid-request", sentence(argument));
    }
    log.error("request {} failed", requestId, cause);
    return Problem.of(
        500, "internal-error", "The server failed. Its log has the reason under the request id.");
  }

  /** What a client is told about bytes that are no request. */
  static Problem malformed(Throwable cause) {
    if (cause instanceof TooLongHttpLineException) {
      return Problem.of(414, "uri-too-long", "The request line is longer than 8 KiB.");
    }
    if (cause instanceof TooLongHttpHeaderException) {
      return Problem.of(431, "headers-too-large", "The headers are larger than 16 KiB.");
    }
    return Problem.of(400, "malformed-request", "This is no well-formed HTTP request.");
  }

  static Problem stopping() {
    return Problem.of(503, "stopping", "The server is stopping. Try again later.")
        .withHeader("Retry-After", "5");
  }

  /** A member of the body, or a parameter, that is not as it must be. */
  static ProblemException field(String field, String detail) {
    return Problem.of(400, "invalid-field", detail).with("field", field).asException();
  }

  /** Why a video cannot be used, as its ingest found out. */
  static Problem ofVideo(VideoRecord.Failure failure) {
    int status =
        switch (failure.type()) {
          case "too-large" -> 413;
          case "cancelled", Failures.OUT_OF_MEMORY -> 503;
          case "internal-error" -> 500;
          default -> 422;
        };
    return Problem.of(status, failure.type(), failure.detail());
  }

  /** The device may have room again when others are done. */
  private static Problem ofDevice(DeviceFullException full) {
    Problem problem =
        Problem.of(503, Failures.OUT_OF_MEMORY, sentence(full))
            .withHeader("Retry-After", "5")
            .with("prefix_bytes", full.use().prefixes())
            .with("conversation_bytes", full.use().conversations())
            .with("running_bytes", full.use().running());
    long asked = full.use().asked();
    return asked < 0 ? problem : problem.with("asked_bytes", asked);
  }

  private static Problem ofStore(StoreException store) {
    int status =
        switch (store.kind()) {
          case TOO_LARGE -> 413;
          case STORAGE_FULL -> 507;
          case NO_SUCH_VIDEO, NO_SUCH_SESSION -> 404;
          case NOT_READY -> 409;
          case UNSUPPORTED_SHAPE -> 422;
        };
    return Problem.of(status, Failures.type(store.kind()), sentence(store));
  }

  /** Own code writes its messages for people; those of libraries stay in the log. */
  private static boolean isOwn(RuntimeException failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return failure.getMessage() != null
        && trace.length > 0
        && trace[0].getClassName().startsWith(OWN_CODE);
  }

  private static String sentence(RuntimeException failure) {
    String message = Objects.requireNonNullElse(failure.getMessage(), "This cannot be served.");
    String sentence = Character.toUpperCase(message.charAt(0)) + message.substring(1);
    return sentence.endsWith(".") ? sentence : sentence + ".";
  }
}
