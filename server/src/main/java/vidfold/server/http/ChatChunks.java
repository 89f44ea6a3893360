package vidfold.server.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import vidfold.server.engine.Answer;

/**
 * The chunks of a chat completion: one with the role, those with text, one with the finish reason,
 * all log-probabilities and the receipt, one with the token counts where they are asked for, and
 * {@code [DONE]}.
 */
final class ChatChunks implements AnswerEvents {
  private static final String CHUNK = "chat.completion.chunk";
  private static final String DATA = "data: ";
  private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8);
  private static final byte[] NOTHING = {};

  private final ChatCompletion completion;
  private final boolean includeUsage;
  private boolean begun;

  ChatChunks(ChatCompletion completion, boolean includeUsage) {
    this.completion = completion;
    this.includeUsage = includeUsage;
  }

  @Override
  public byte[] text(String piece) {
    return joined(role(), chunk(Map.of("content", piece)));
  }

  @Override
  public byte[] done(Answer answer) {
    Map<String, Object> last =
        completion.chosen(
            CHUNK, "delta", Map.of(), answer.finishReason(), completion.logprobs(answer));
    last.put("vidfold", ChatCompletion.details(answer));
    byte[] usage = NOTHING;
    if (includeUsage) {
      last.put("usage", null);
      Map<String, Object> counts = completion.head(CHUNK);
      counts.put("usage", ChatCompletion.usage(answer));
      usage = Json.line(DATA, counts);
    }
    return joined(role(), Json.line(DATA, last), usage, DONE);
  }

  @Override
  public byte[] failed(Problem problem, String requestId) {
    return Json.line(DATA, ChatError.json(problem));
  }

  /** The first chunk, once. */
  private byte[] role() {
    if (begun) {
      return NOTHING;
    }
    begun = true;
    Map<String, Object> delta = new LinkedHashMap<>();
    delta.put("role", "assistant");
    delta.put("content", "");
    return chunk(delta);
  }

  private byte[] chunk(Map<String, Object> delta) {
    Map<String, Object> json = completion.chosen(CHUNK, "delta", delta, null, null);
    if (includeUsage) {
      json.put("usage", null);
    }
    return Json.line(DATA, json);
  }

  private static byte[] joined(byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteBuffer all = ByteBuffer.allocate(length);
    for (byte[] part : parts) {
      all.put(part);
    }
    return all.array();
  }
}
