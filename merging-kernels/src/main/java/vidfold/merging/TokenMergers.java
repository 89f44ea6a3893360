package vidfold.merging;

import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * The reducers on one device: compiles their kernels once and makes a {@link TokenMerger} for each
 * {@link MergeSpec}. Mergers must not be used after it is closed.
 */
public final class TokenMergers implements AutoCloseable {

  private final Torch torch;
  private final TorchModule script;

  /** Compiles the kernels. */
  public TokenMergers(Torch torch) {
    this.torch = torch;
    this.script = torch.script("Sttm", "sttm.py");
  }

  /** Makes a merger; cheap, so one a request is fine. */
  public TokenMerger create(MergeSpec spec) {
    return create(spec, SttmOptions.of(spec.mode()));
  }

  TokenMerger create(MergeSpec spec, SttmOptions options) {
    return spec.reducer().equals("none")
        ? new NoMerger(script)
        : new SttmMerger(torch, script, spec, options);
  }

  @Override
  public void close() {
    script.close();
  }
}
