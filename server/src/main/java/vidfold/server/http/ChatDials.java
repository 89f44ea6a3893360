package vidfold.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import vidfold.model.ModelInfo;
import vidfold.server.engine.Question;

/**
 * The fields of a chat request that say how to answer: OpenAI's own, and in the object {@code
 * vidfold} all others of {@link AnswerDials}, which reads both.
 *
 * @param topLogprobs alternatives told for each token, or null when no log-probabilities are
 * @param times JSON list of the pictures' times in seconds; empty when it is not given
 */
record ChatDials(Question.Options options, @Nullable Integer topLogprobs, String times) {
  private static final String EXTENSION = "vidfold";
  private static final String TIMES = "times";
  private static final int MAX_LOGPROBS = 20;

  /** Read by {@link AnswerDials} under these very names. */
  private static final List<String> COMMON = List.of("temperature", "top_p", "seed");

  private static final Set<String> ELSEWHERE =
      Set.of("temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "logprobs");

  /** Names of the fields. */
  static final Set<String> FIELDS =
      Set.of(
          "temperature",
          "top_p",
          "seed",
          "max_tokens",
          "max_completion_tokens",
          "logprobs",
          "top_logprobs",
          EXTENSION);

  static ChatDials read(JsonBody body, Question.Options defaults, ModelInfo model) {
    JsonBody extension = body.object(EXTENSION, extensionFields());
    JsonNode times = extension == null ? null : extension.raw(TIMES);
    Integer top = topLogprobs(body);
    ObjectNode dials = JsonNodeFactory.instance.objectNode();
    COMMON.forEach(field -> copy(body, field, dials));
    if (extension != null) {
      AnswerDials.FIELDS.forEach(field -> copy(extension, field, dials));
    }
    Integer maxTokens = maxTokens(body);
    if (maxTokens != null) {
      dials.put("max_tokens", maxTokens);
    }
    // One alternative is the least with which the engine reports the tokens themselves.
    dials.put("logprobs", top == null ? 0 : Math.max(1, top));
    try {
      Question.Options options =
          AnswerDials.read(JsonBody.of(dials, AnswerDials.FIELDS), defaults, model);
      return new ChatDials(options, top, times == null ? "" : times.toString());
    } catch (ProblemException e) {
      throw inExtension(e);
    }
  }

  /** A problem of a field as it is called here. */
  static ProblemException inExtension(ProblemException named) {
    Problem problem = named.problem();
    return problem.members().get("field") instanceof String field && !ELSEWHERE.contains(field)
        ? problem.with("field", EXTENSION + "." + field).asException()
        : named;
  }

  private static Set<String> extensionFields() {
    Set<String> fields = new HashSet<>(AnswerDials.FIELDS);
    fields.removeAll(ELSEWHERE);
    fields.add(TIMES);
    return fields;
  }

  private static void copy(JsonBody from, String field, ObjectNode to) {
    JsonNode value = from.raw(field);
    if (value != null) {
      to.set(field, value);
    }
  }

  private static @Nullable Integer maxTokens(JsonBody body) {
    Integer old = body.integer("max_tokens");
    Integer present = body.integer("max_completion_tokens");
    if (old != null && present != null) {
      throw Problems.field(
          "max_completion_tokens", "Give 'max_tokens' or 'max_completion_tokens', not both.");
    }
    if (present != null && present < 1) {
      throw body.refuse("max_completion_tokens", "must be at least 1 but is " + present);
    }
    return present == null ? old : present;
  }

  private static @Nullable Integer topLogprobs(JsonBody body) {
    boolean wanted = body.flag("logprobs");
    Integer top = body.integer("top_logprobs");
    if (top != null && (top < 0 || top > MAX_LOGPROBS)) {
      throw body.refuse(
          "top_logprobs", "must be in [0, %d] but is %d".formatted(MAX_LOGPROBS, top));
    }
    if (!wanted && top != null && top > 0) {
      throw body.refuse("top_logprobs", "needs 'logprobs' to be true");
    }
    if (!wanted) {
      return null;
    }
    return top == null ? 0 : top;
  }
}
