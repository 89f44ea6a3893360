package vidfold.server.http;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import vidfold.model.ModelInfo;
import vidfold.server.engine.Question;

/**
 * The body of a request that asks.
 *
 * @param texts what is asked, choices included; at least one
 * @param many whether {@code questions} was given: the answers come as a list
 * @param stream whether the answer comes as events
 */
record QuestionRequest(List<String> texts, boolean many, boolean stream, Question.Options options) {
  private static final int MAX_QUESTIONS = 256;
  private static final Set<String> COMMON = with(AnswerDials.FIELDS, "choices", "stream");
  private static final Set<String> OF_VIDEO = with(COMMON, "question", "questions");
  private static final Set<String> OF_SESSION = with(COMMON, "question", "content");

  QuestionRequest {
    texts = List.copyOf(texts);
  }

  /** {@code question}, or {@code questions} which are answered apart. */
  static QuestionRequest ofVideo(byte[] json, Question.Options defaults, ModelInfo model) {
    JsonBody body = JsonBody.read(json, OF_VIDEO);
    List<String> many = body.texts("questions");
    if (many == null) {
      return read(
          body, List.of(required("question", body.text("question"))), false, defaults, model);
    }
    if (body.text("question") != null) {
      throw Problems.field("questions", "Give 'question' or 'questions', not both.");
    }
    if (many.isEmpty() || many.size() > MAX_QUESTIONS) {
      throw Problems.field("questions", "'questions' must be 1 to " + MAX_QUESTIONS + ".");
    }
    if (body.flag("stream")) {
      throw Problems.field("stream", "Only a single 'question' can be answered as a stream.");
    }
    for (int i = 0; i < many.size(); i++) {
      required("questions[" + i + "]", many.get(i));
    }
    return read(body, many, true, defaults, model);
  }

  /** {@code content}, or {@code question} as elsewhere. */
  static QuestionRequest ofSession(byte[] json, Question.Options defaults, ModelInfo model) {
    JsonBody body = JsonBody.read(json, OF_SESSION);
    String content = body.text("content");
    String question = body.text("question");
    if (content != null && question != null) {
      throw Problems.field("content", "Give 'content' or 'question', not both.");
    }
    String text = required("content", content == null ? question : content);
    return read(body, List.of(text), false, defaults, model);
  }

  private static QuestionRequest read(
      JsonBody body, List<String> texts, boolean many, Question.Options defaults, ModelInfo model) {
    List<String> choices = body.texts("choices");
    List<String> asked = texts;
    if (choices != null) {
      Choices.check(choices);
      asked = texts.stream().map(text -> Choices.append(text, choices)).toList();
    }
    Question.Options options = AnswerDials.read(body, defaults, model);
    return new QuestionRequest(asked, many, body.flag("stream"), options);
  }

  private static String required(String field, @Nullable String text) {
    if (text == null || text.isBlank()) {
      throw Problems.field(field, "'" + field + "' must be a text that is not empty.");
    }
    return text;
  }

  private static Set<String> with(Set<String> fields, String... more) {
    Set<String> all = new HashSet<>(fields);
    all.addAll(List.of(more));
    return Set.copyOf(all);
  }
}
