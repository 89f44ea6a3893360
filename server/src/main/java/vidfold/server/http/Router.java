package vidfold.server.http;

import io.netty.handler.codec.http.HttpMethod;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Finds the route of a request in the table. */
final class Router {
  private static final String UNMATCHED = "unmatched";
  private static final String ALL = "*";

  private final List<Route> routes;

  Router(List<Route> routes) {
    this.routes = List.copyOf(routes);
  }

  /**
   * Where a request goes.
   *
   * @param template of the path, for logs and meters
   * @param path values of the names in the template
   */
  record Match(String template, Map<String, String> path, Map<String, List<String>> query) {
    static final Match NONE = new Match(UNMATCHED, Map.of(), Map.of());
  }

  /** The templates of the table, in its order. */
  List<Route> routes() {
    return routes;
  }

  /**
   * Opens the route of an exchange. Sets the exchange's match as soon as the path is known.
   *
   * @throws ProblemException 404, or 405 with the methods that are allowed
   */
  RequestBody open(Exchange exchange) {
    HttpMethod method = exchange.method();
    if (method.equals(HttpMethod.OPTIONS) && exchange.uri().equals(ALL)) {
      return options(exchange, "GET, HEAD, POST, DELETE, OPTIONS");
    }
    Target target = Target.of(exchange.uri());
    List<Route> ofPath = new ArrayList<>();
    for (Route route : routes) {
      Optional<Map<String, String>> path = match(route.template(), target.segments());
      if (path.isPresent()) {
        exchange.matched(new Match(route.template(), path.get(), target.query()));
        ofPath.add(route);
      }
    }
    if (ofPath.isEmpty()) {
      throw Problem.of(404, "no-such-route", "There is nothing at this path.").asException();
    }
    for (Route route : ofPath) {
      if (route.method().equals(method.equals(HttpMethod.HEAD) ? HttpMethod.GET : method)) {
        return route.opener().open(exchange);
      }
    }
    String allowed = allowed(ofPath);
    if (method.equals(HttpMethod.OPTIONS)) {
      return options(exchange, allowed);
    }
    throw Problem.of(405, "method-not-allowed", "This path takes " + allowed + ".")
        .withHeader("Allow", allowed)
        .asException();
  }

  private static RequestBody options(Exchange exchange, String allowed) {
    return new IgnoredBody(
        exchange, asked -> asked.reply(Reply.noContent().with("Allow", allowed)));
  }

  private static String allowed(List<Route> ofPath) {
    TreeSet<String> methods = new TreeSet<>(List.of("OPTIONS"));
    for (Route route : ofPath) {
      methods.add(route.method().name());
      if (route.method().equals(HttpMethod.GET)) {
        methods.add("HEAD");
      }
    }
    return String.join(", ", methods);
  }

  private static Optional<Map<String, String>> match(String template, List<String> segments) {
    String[] parts = template.substring(1).split("/", -1);
    if (parts.length != segments.size()) {
      return Optional.empty();
    }
    Map<String, String> path = new HashMap<>();
    for (int i = 0; i < parts.length; i++) {
      if (parts[i].startsWith("{")) {
        path.put(parts[i].substring(1, parts[i].length() - 1), segments.get(i));
      } else if (!parts[i].equals(segments.get(i))) {
        return Optional.empty();
      }
    }
    return Optional.of(path);
  }
}
