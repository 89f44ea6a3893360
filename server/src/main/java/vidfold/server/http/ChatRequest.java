package vidfold.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import vidfold.model.ModelInfo;
import vidfold.server.engine.Question;

/**
 * The body of a chat request, its {@code data:} URLs taken out.
 *
 * @param stream whether the answer comes as chunks
 * @param includeUsage whether a last chunk tells the token counts
 */
record ChatRequest(
    ChatConversation conversation, ChatDials dials, boolean stream, boolean includeUsage) {

  /** What is not supported, and the JSON that asks for nothing of it. */
  private static final Map<String, Set<String>> ABSENT =
      Map.ofEntries(
          Map.entry("n", Set.of("1")),
          Map.entry("stop", Set.of("[]")),
          Map.entry("frequency_penalty", Set.of("0", "0.0")),
          Map.entry("presence_penalty", Set.of("0", "0.0")),
          Map.entry("logit_bias", Set.of("{}")),
          Map.entry("tools", Set.of("[]")),
          Map.entry("tool_choice", Set.of("\"none\"", "\"auto\"")),
          Map.entry("functions", Set.of("[]")),
          Map.entry("response_format", Set.of("{\"type\":\"text\"}")),
          Map.entry("modalities", Set.of("[\"text\"]")),
          Map.entry("service_tier", Set.of("\"auto\"", "\"default\"")),
          Map.entry("store", Set.of("false")));

  /** What changes nothing about the answer. */
  private static final Set<String> IGNORED =
      Set.of("user", "metadata", "safety_identifier", "prompt_cache_key", "parallel_tool_calls");

  private static final Set<String> OWN = Set.of("model", "messages", "stream", "stream_options");

  static ChatRequest read(byte[] json, Question.Options defaults, ModelInfo model) {
    JsonBody body = JsonBody.read(json, fields());
    requireModel(body, model);
    ABSENT.forEach((field, nothing) -> requireAbsent(body, field, nothing));
    boolean stream = body.flag("stream");
    JsonBody options =
        body.object("stream_options", Set.of("include_usage", "include_obfuscation"));
    if (options != null && !stream) {
      throw body.refuse("stream_options", "needs 'stream' to be true");
    }
    boolean usage = options != null && options.flag("include_usage");
    ChatConversation conversation = ChatMessages.read(body);
    ChatDials dials = ChatDials.read(body, defaults, model);
    if (!dials.times().isEmpty() && conversation.pictures() == 0) {
      throw Problems.field("vidfold.times", "'times' are for pictures; a video has its own.");
    }
    return new ChatRequest(conversation, dials, stream, usage);
  }

  private static Set<String> fields() {
    Set<String> fields = new HashSet<>(OWN);
    fields.addAll(ChatDials.FIELDS);
    fields.addAll(ABSENT.keySet());
    fields.addAll(IGNORED);
    return fields;
  }

  private static void requireModel(JsonBody body, ModelInfo model) {
    String asked = body.text("model");
    if (asked == null) {
      throw body.refuse("model", "is missing; this server answers with '" + model.name() + "'");
    }
    if (!asked.equals(model.name())) {
      throw Problem.of(
              404,
              "model-not-found",
              "There is no model '%s'; this server answers with '%s'."
                  .formatted(asked, model.name()))
          .with("field", "model")
          .asException();
    }
  }

  private static void requireAbsent(JsonBody body, String field, Set<String> nothing) {
    JsonNode value = body.raw(field);
    if (value != null && !nothing.contains(value.toString())) {
      throw body.refuse(
          field, field.equals("n") ? "must be 1: a question has one answer" : "is not supported");
    }
  }
}
