package vidfold.merging;

import vidfold.torch.TorchModule;

/** Keeps every token as it is. */
final class NoMerger implements TokenMerger {

  private final TorchModule script;

  NoMerger(TorchModule script) {
    this.script = script;
  }

  @Override
  public String name() {
    return "none";
  }

  @Override
  public boolean queryAgnostic() {
    return true;
  }

  /** Returns the same values; where they are contiguous, the result shares the input's memory. */
  @Override
  public MergedTokens merge(VideoTokens tokens) {
    return MergedTokens.identity(
        script.callTensor("rows", tokens.values()), tokens, new Retention(1.0, 1.0, null));
  }
}
