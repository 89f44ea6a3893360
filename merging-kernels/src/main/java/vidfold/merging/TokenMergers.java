package vidfold.merging;

import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * The reducers on one device: compiles their kernels once and makes a {@link TokenMerger} for each
 * {@link MergeSpec}. Mergers must not be used after it is closed.
 */
public final class TokenMergers implements AutoCloseable {

  private final RowKernels kernels;
  private final TorchModule sttm;
  private final TorchModule ustc;

  /** Compiles the kernels. */
  public TokenMergers(Torch torch) {
    this.kernels = new RowKernels(torch);
    this.sttm = torch.script("Sttm", "sttm.py");
    this.ustc = torch.script("Ustc", "ustc.py");
  }

  /** Makes a merger; cheap, so one a request is fine. */
  public TokenMerger create(MergeSpec spec) {
    return create(spec, SttmOptions.of(spec));
  }

  /** As {@link #create(MergeSpec)}, with other than its trees. */
  TokenMerger create(MergeSpec spec, SttmOptions options) {
    if (spec.isAuto()) {
      return new AutoMerger(this, spec, options);
    }
    return switch (spec.reducer()) {
      case "none" -> new NoMerger(kernels, spec);
      case "sttm" -> new SttmMerger(kernels, sttm, spec, options);
      case "temporal" -> new SttmMerger(kernels, sttm, spec, options.withoutTree());
      case "octree" -> new OctreeMerger(kernels, spec, options);
      case "tome" -> new TomeMerger(kernels, spec);
      case "dycoke" -> new DycokeMerger(kernels, spec);
      case "framefusion" -> new FrameFusionMerger(kernels, spec);
      case "ustc" -> new UstcMerger(kernels, ustc, spec, UstcMerger.WINDOW);
      case "uniform" -> new UniformMerger(kernels, spec);
      default -> throw new IllegalStateException("there is no reducer " + spec.reducer());
    };
  }

  /**
   * What a merge lost: 1 - mean cosine between each original token and the survivor that holds it.
   * For a dropped token that is the one that holds its place in the nearest frame (the earlier of
   * two); where there is none, its cosine counts 0.
   */
  public double informationLoss(VideoTokens tokens, MergedTokens merged) {
    return new InformationLoss(kernels).of(tokens, merged);
  }

  @Override
  public void close() {
    ustc.close();
    sttm.close();
    kernels.close();
  }
}
