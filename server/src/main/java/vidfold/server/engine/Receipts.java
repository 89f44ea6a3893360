package vidfold.server.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.model.KvPrefix;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReducer;
import vidfold.model.TokenChoice;
import vidfold.model.VisibleTokens;

/** Writes the answer object of a finished sequence. */
final class Receipts {
  private Receipts() {}

  static Answer answer(Sequence sequence, ModelInfo model, String finishReason) {
    KvPrefix.Summary prefix = sequence.requireLease().prefix().summary();
    return new Answer(
        sequence.id,
        sequence.video().videoId(),
        sequence.answer.toString(),
        finishReason,
        usage(sequence, prefix),
        receipt(sequence, model, prefix),
        logprobs(sequence),
        sequence.tokens);
  }

  private static Answer.Usage usage(Sequence sequence, KvPrefix.Summary prefix) {
    return new Answer.Usage(
        prefix.promptTokens() + sequence.prompt.length,
        (sequence.hit ? prefix.promptTokens() : 0) + sequence.resident,
        sequence.choices.size(),
        new Answer.VisualTokens(prefix.tokensBefore(), prefix.tokensAfter()));
  }

  private static Answer.Receipt receipt(
      Sequence sequence, ModelInfo model, KvPrefix.Summary prefix) {
    PrefixSpec spec = sequence.options().prefix();
    var thresholds = prefix.thresholds();
    return new Answer.Receipt(
        model.name(),
        model.digest(),
        sequence.variant().id(),
        spec.merge().reducer(),
        spec.merge().mode(),
        new Answer.RetentionReceipt(
            spec.merge().retention(),
            spec.merge().isAuto() ? true : null,
            prefix.achievedRetention(),
            thresholds == null ? null : thresholds.spatial(),
            thresholds == null ? null : thresholds.temporal()),
        spec.mergeLayer(),
        questionReducer(sequence, model),
        sequence.requireLease().clip().frames(),
        new Answer.CacheReceipt(sequence.hit, tier(sequence)),
        stages(sequence, prefix),
        sequence.options().sampling().seed(),
        List.copyOf(sequence.warnings));
  }

  /** Where the work on the video was found: its prefix, its visual tokens, or nowhere. */
  private static String tier(Sequence sequence) {
    if (sequence.hit) {
      return "device";
    }
    return sequence.requireLease().clip().worked() ? "none" : "visual";
  }

  private static Answer.@Nullable QuestionReducerReceipt questionReducer(
      Sequence sequence, ModelInfo model) {
    QuestionReducer reducer = sequence.options().reducer(model.layers());
    VisibleTokens visible = sequence.requireDecoding().visible();
    return reducer == null || visible == null
        ? null
        : new Answer.QuestionReducerReceipt(
            reducer.name(),
            reducer.retention(),
            reducer.layer(),
            new Answer.VisualTokens(visible.before(), visible.after()));
  }

  private static Answer.StageMillis stages(Sequence sequence, KvPrefix.Summary prefix) {
    Stopwatch time = sequence.time;
    if (sequence.hit) {
      return new Answer.StageMillis(
          time.queueMillis(),
          0,
          0,
          0,
          0,
          0,
          time.questionMillis(),
          time.firstTokenMillis(),
          time.totalMillis());
    }
    CachedPrefix.ClipFacts clip = sequence.requireLease().clip();
    return new Answer.StageMillis(
        time.queueMillis(),
        clip.probeMillis(),
        clip.decodeMillis(),
        clip.visionMillis(),
        prefix.mergeMillis(),
        prefix.prefillMillis(),
        time.questionMillis(),
        time.firstTokenMillis(),
        time.totalMillis());
  }

  private static @Nullable List<Answer.TokenLogprob> logprobs(Sequence sequence) {
    if (sequence.options().sampling().topLogprobs() == 0) {
      return null;
    }
    return sequence.choices.stream()
        .limit(sequence.tokens.size())
        .map(choice -> logprob(sequence, choice))
        .toList();
  }

  private static Answer.TokenLogprob logprob(Sequence sequence, TokenChoice choice) {
    return new Answer.TokenLogprob(
        sequence.requireText().tokenText(choice.token()),
        choice.logprob(),
        choice.top().stream()
            .map(
                top ->
                    new Answer.TopToken(
                        sequence.requireText().tokenText(top.token()), top.logprob()))
            .toList());
  }
}
