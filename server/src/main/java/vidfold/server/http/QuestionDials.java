package vidfold.server.http;

import org.jspecify.annotations.Nullable;
import vidfold.model.QuestionReducer;
import vidfold.model.QuestionReduction;

/**
 * The fields of a request that say what of the video this question alone sees: {@code
 * question_reducer}, {@code question_retention} and {@code question_layer}. What is absent is as
 * configured, or, for another reducer than the configured one, as that reducer's paper has it.
 */
final class QuestionDials {
  private static final String NO_REDUCER = "none";

  private final JsonBody body;
  private final @Nullable QuestionReduction usual;

  QuestionDials(JsonBody body, @Nullable QuestionReduction usual) {
    this.body = body;
    this.usual = usual;
  }

  /** Reads the fields and checks them against the model; null when the question sees all. */
  @Nullable QuestionReduction read(int mergeLayer, int layers) {
    String name = body.text("question_reducer");
    Double retention = body.number("question_retention");
    Integer layer = body.integer("question_layer");
    QuestionReduction base = base(name);
    if (base == null) {
      requireAbsent("question_retention", retention);
      requireAbsent("question_layer", layer);
      return null;
    }
    QuestionReduction asked =
        AnswerDials.valid(
            "question_retention",
            () ->
                new QuestionReduction(
                    base.reducer(),
                    retention == null ? base.retention() : retention,
                    layer == null ? base.layer() : layer));
    AnswerDials.valid(
        layer == null ? "question_reducer" : "question_layer",
        () -> asked.layerIn(mergeLayer, layers));
    QuestionReducer fits =
        AnswerDials.valid("question_retention", () -> asked.in(mergeLayer, layers));
    assert fits.layer() > mergeLayer;
    return asked;
  }

  /** The reducer that is named, or the configured one, before the other fields change it. */
  private @Nullable QuestionReduction base(@Nullable String name) {
    if (name == null || (usual != null && name.equals(usual.reducer()))) {
      return usual;
    }
    return name.equals(NO_REDUCER)
        ? null
        : AnswerDials.valid("question_reducer", () -> new QuestionReduction(name, null, null));
  }

  private static void requireAbsent(String field, @Nullable Object value) {
    if (value != null) {
      throw Problems.field(
          field,
          "'%s' needs a 'question_reducer', one of %s, but there is none."
              .formatted(field, QuestionReduction.REDUCERS));
    }
  }
}
