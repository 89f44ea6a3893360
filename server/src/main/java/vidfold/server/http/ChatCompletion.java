package vidfold.server.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import vidfold.server.engine.Answer;

/**
 * An answer in the words of OpenAI's API.
 *
 * @param id {@code chatcmpl-} and the request's id
 * @param created seconds since 1970
 * @param topLogprobs alternatives told for each token, or null when no log-probabilities are
 */
record ChatCompletion(String id, long created, String model, @Nullable Integer topLogprobs) {
  private static final String HALF_CHARACTER = "\ufffd";

  /** The whole answer. */
  Map<String, Object> whole(Answer answer) {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", "assistant");
    message.put("content", answer.answer());
    message.put("refusal", null);
    Map<String, Object> json =
        chosen("chat.completion", "message", message, answer.finishReason(), logprobs(answer));
    json.put("usage", usage(answer));
    json.put("vidfold", details(answer));
    return json;
  }

  /** The members that every object has, and no choice. */
  Map<String, Object> head(String object) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", id);
    json.put("object", object);
    json.put("created", created);
    json.put("model", model);
    json.put("choices", List.of());
    return json;
  }

  /** An object with the one choice. */
  Map<String, Object> chosen(
      String object,
      String member,
      Map<String, Object> content,
      @Nullable String finishReason,
      @Nullable Object logprobs) {
    Map<String, Object> choice = new LinkedHashMap<>();
    choice.put("index", 0);
    choice.put(member, content);
    choice.put("logprobs", logprobs);
    choice.put("finish_reason", finishReason);
    Map<String, Object> json = head(object);
    json.put("choices", List.of(choice));
    return json;
  }

  static Map<String, Object> usage(Answer answer) {
    Answer.Usage usage = answer.usage();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("prompt_tokens", usage.promptTokens());
    json.put("completion_tokens", usage.completionTokens());
    json.put("total_tokens", usage.promptTokens() + usage.completionTokens());
    json.put("prompt_tokens_details", Map.of("cached_tokens", usage.cachedTokens()));
    return json;
  }

  /** What the API has no words for. */
  static Map<String, Object> details(Answer answer) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("video", answer.video());
    json.put("visual_tokens", answer.usage().visualTokens());
    json.put("receipt", answer.receipt());
    return json;
  }

  @Nullable Map<String, Object> logprobs(Answer answer) {
    List<Answer.TokenLogprob> tokens = answer.logprobs();
    Integer most = topLogprobs;
    if (tokens == null || most == null) {
      return null;
    }
    List<Map<String, Object>> content = new ArrayList<>();
    for (Answer.TokenLogprob token : tokens) {
      Map<String, Object> one = logprob(token.token(), token.logprob());
      one.put(
          "top_logprobs",
          token.top().stream()
              .limit(most)
              .map(top -> logprob(top.token(), top.logprob()))
              .toList());
      content.add(one);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("content", content);
    json.put("refusal", null);
    return json;
  }

  /** The bytes of a token that is no whole character are not known. */
  private static Map<String, Object> logprob(String token, double logprob) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("token", token);
    json.put("logprob", logprob);
    json.put("bytes", token.contains(HALF_CHARACTER) ? null : bytes(token));
    return json;
  }

  private static List<Integer> bytes(String token) {
    List<Integer> bytes = new ArrayList<>();
    for (byte b : token.getBytes(StandardCharsets.UTF_8)) {
      bytes.add(b & 0xff);
    }
    return bytes;
  }
}
