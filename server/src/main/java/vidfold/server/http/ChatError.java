package vidfold.server.http;

import java.util.LinkedHashMap;
import java.util.Map;

/** A problem in the error shape of OpenAI's API. */
final class ChatError {
  private ChatError() {}

  /** {@code code} is the problem's type in snake case, {@code param} the field it is about. */
  static Map<String, Object> json(Problem problem) {
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("message", problem.detail());
    error.put("type", type(problem.status()));
    error.put("param", problem.members().get("field"));
    error.put("code", problem.type().replace('-', '_'));
    return Map.of("error", error);
  }

  /** The response; the request's id is in its header only. */
  static Reply reply(Problem problem, String requestId) {
    return problem.reply("application/json", json(problem));
  }

  private static String type(int status) {
    if (status == 429) {
      return "rate_limit_error";
    }
    return status >= 500 ? "server_error" : "invalid_request_error";
  }
}
