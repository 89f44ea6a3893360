package vidfold.server.http;

import io.netty.handler.codec.http.HttpMethod;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.server.metrics.HttpMeters;

/** A line and a timing for every request: route, status, time and id, never what was said. */
final class AccessLog {
  private static final Logger log = LoggerFactory.getLogger(AccessLog.class);

  /** As nginx has it: the client left before it was answered. */
  static final int CLIENT_LEFT = 499;

  /** Clients can make up methods; meters need few names. */
  private static final Set<HttpMethod> KNOWN =
      Set.of(
          HttpMethod.GET,
          HttpMethod.HEAD,
          HttpMethod.POST,
          HttpMethod.PUT,
          HttpMethod.PATCH,
          HttpMethod.DELETE,
          HttpMethod.OPTIONS);

  private final HttpMeters meters;

  AccessLog(HttpMeters meters) {
    this.meters = meters;
  }

  void began() {
    meters.began();
  }

  void ended(Exchange exchange, int status) {
    long nanos = System.nanoTime() - exchange.startNanos();
    String method = KNOWN.contains(exchange.method()) ? exchange.method().name() : "OTHER";
    meters.ended(exchange.template(), method, status, nanos);
    String problem = exchange.problem();
    log.info(
        "{} {} {}{} {} ms {}",
        method,
        exchange.template(),
        status,
        problem == null ? "" : " " + problem,
        nanos / 1_000_000,
        exchange.requestId());
  }
}
