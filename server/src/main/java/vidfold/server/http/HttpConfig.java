package vidfold.server.http;

import java.time.Duration;

/**
 * Where the server listens, and the limits of a connection.
 *
 * @param host address to bind, for example {@code 127.0.0.1}
 * @param port port to bind; 0 is any free one
 * @param maxConnections the most connections that are open at a time
 * @param maxJsonBytes the most bytes of a JSON body
 * @param idleTimeout how long a client may send nothing of what it owes, or take nothing of what it
 *     is given; a connection without a request is closed after it too
 * @param drainGrace how long {@link HttpServer#close} lets running requests finish
 */
public record HttpConfig(
    String host,
    int port,
    int maxConnections,
    int maxJsonBytes,
    Duration idleTimeout,
    Duration drainGrace) {
  public HttpConfig {
    require(!host.isBlank(), "the host must not be empty", host);
    require(port >= 0 && port <= 65_535, "the port must be in [0, 65535]", port);
    require(maxConnections >= 1, "the most connections must be at least 1", maxConnections);
    require(maxJsonBytes >= 1024, "the most bytes of JSON must be at least 1024", maxJsonBytes);
    require(idleTimeout.toMillis() >= 1, "the idle timeout must be at least 1 ms", idleTimeout);
    require(!drainGrace.isNegative(), "the drain grace must not be negative", drainGrace);
  }

  /** 127.0.0.1:8000, 1024 connections, 1 MiB of JSON, 60 s idle, 30 s to drain. */
  public static HttpConfig defaults() {
    return new HttpConfig(
        "127.0.0.1", 8000, 1024, 1 << 20, Duration.ofSeconds(60), Duration.ofSeconds(30));
  }

  private static void require(boolean condition, String message, Object found) {
    if (!condition) {
      throw new IllegalArgumentException(message + " but was " + found);
    }
  }
}
