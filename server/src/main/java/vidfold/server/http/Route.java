package vidfold.server.http;

import io.netty.handler.codec.http.HttpMethod;

/**
 * A line of the table of routes.
 *
 * @param template path with names in braces, for example {@code /v1/videos/{id}}
 * @param opener makes what receives the body and serves the request
 */
record Route(HttpMethod method, String template, Opener opener) {

  /** Begins to serve a request whose head has arrived; what it throws ends the request. */
  interface Opener {
    RequestBody open(Exchange exchange);
  }

  /**
   * Serves a request that has wholly arrived, by a reply or a failure, now or later. Runs on the
   * event loop and must not block; what it throws ends the request.
   */
  interface Handler {
    void handle(Exchange exchange);
  }

  static Route get(String template, Handler handler) {
    return new Route(HttpMethod.GET, template, exchange -> new IgnoredBody(exchange, handler));
  }

  static Route delete(String template, Handler handler) {
    return new Route(HttpMethod.DELETE, template, exchange -> new IgnoredBody(exchange, handler));
  }

  /** A POST whose JSON is read as a whole, within the limit of the configuration. */
  static Route postJson(String template, Handler handler) {
    return new Route(HttpMethod.POST, template, exchange -> new JsonBytes(exchange, handler));
  }

  /** A POST whose body is read piece by piece. */
  static Route postStream(String template, Opener opener) {
    return new Route(HttpMethod.POST, template, opener);
  }
}
