package vidfold.model;

/**
 * A per-question reducer in one model, see {@link QuestionReduction}.
 *
 * @param name one of {@link QuestionReduction#REDUCERS}
 * @param retention in (0, 1]
 * @param layer the first decoder layer that sees less, at least 1
 * @param layers decoder layers of the model
 */
public record QuestionReducer(String name, double retention, int layer, int layers) {

  public QuestionReducer {
    QuestionReduction.requireName(name);
    if (layer < 1 || layer >= layers) {
      throw new IllegalArgumentException(
          "question layer must be in [1, %d] but was %d".formatted(layers - 1, layer));
    }
    if (!(retention > 0 && retention <= 1)) {
      throw new IllegalArgumentException(
          "question retention must be in (0, 1] but was " + retention);
    }
    if (name.equals("framefusion") && retention * layers <= layer) {
      throw new IllegalArgumentException(
          "question retention of 'framefusion' is a mean over all %d layers, of which %d see every token: it must be in (%.3f, 1] but was %s"
              .formatted(layers, layer, (double) layer / layers, retention));
    }
  }

  /** How many of so many visual tokens the layers from {@link #layer} on see; at least one. */
  public int kept(int visual) {
    double share =
        name.equals("framefusion") ? (layers * retention - layer) / (layers - layer) : retention;
    return Math.max(1, (int) Math.round(share * visual));
  }

  /** Whether tokens are chosen anew at every step of the answer, and only there. */
  boolean choosesEachStep() {
    return name.equals("dycoke");
  }

  /** Whether tokens that are not kept are merged into those that are. */
  boolean merges() {
    return name.equals("ustc");
  }

  /**
   * Bytes of native memory that a question's own view takes at most; what {@code dycoke} gathers
   * for the length of a layer does not count.
   */
  public long viewBytes(KvPrefix.Summary prefix, ModelInfo model) {
    int kept = kept(prefix.tokensAfter());
    if (choosesEachStep() || kept >= prefix.tokensAfter()) {
      return 0;
    }
    long rows = prefix.promptTokens() - prefix.tokensAfter() + kept;
    return rows * model.kvBytesPerToken() * (layers - layer) / layers;
  }
}
