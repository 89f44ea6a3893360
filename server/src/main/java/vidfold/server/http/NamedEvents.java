package vidfold.server.http;

import java.util.Map;
import vidfold.server.engine.Answer;

/**
 * The events of the server's own routes: {@code token} with pieces of text, then one {@code answer}
 * with the whole answer object, or one {@code error} with a problem.
 */
final class NamedEvents implements AnswerEvents {
  @Override
  public byte[] text(String piece) {
    return event("token", Map.of("text", piece));
  }

  @Override
  public byte[] done(Answer answer) {
    return event("answer", answer);
  }

  @Override
  public byte[] failed(Problem problem, String requestId) {
    return event("error", problem.json(requestId));
  }

  private static byte[] event(String name, Object data) {
    return Json.line("event: " + name + "\ndata: ", data);
  }
}
