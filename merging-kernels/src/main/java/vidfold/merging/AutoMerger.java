package vidfold.merging;

/**
 * A reducer that chooses its own retention: the smallest of {@link #STEPS} at which the information
 * loss (1 - mean cosine between each token and its survivor, see {@link
 * TokenMergers#informationLoss}) is at most {@link #BOUND}.
 *
 * <p>The bound is a convention, not a promise about answers: at 0.1 a token and what stands for it
 * point in much the same direction, as pairs at STTM's published thresholds do on average. Each
 * step is a merge of its own, from the smallest up; videos that compress well are done at the
 * first.
 */
final class AutoMerger implements TokenMerger {

  static final double BOUND = 0.1;

  private static final double[] STEPS = {0.15, 0.3, 0.5, 0.75, 1};

  private final TokenMergers mergers;
  private final MergeSpec spec;
  private final SttmOptions options;

  AutoMerger(TokenMergers mergers, MergeSpec spec, SttmOptions options) {
    this.mergers = mergers;
    this.spec = spec;
    this.options = options;
  }

  @Override
  public String name() {
    return spec.reducer();
  }

  @Override
  public boolean queryAgnostic() {
    return true;
  }

  @Override
  public MergedTokens merge(VideoTokens tokens) {
    for (double step : STEPS) {
      MergedTokens merged = at(step).merge(tokens);
      if (step == 1 || mergers.informationLoss(tokens, merged) <= BOUND) {
        return merged;
      }
      merged.close();
    }
    throw new IllegalStateException("the last step keeps everything");
  }

  private TokenMerger at(double step) {
    return mergers.create(MergeSpec.of(spec.reducer(), spec.mode(), step), options);
  }
}
