package vidfold.merging;

import vidfold.torch.Tensor;

/** Keeps every token as it is. */
final class NoMerger extends Reducer {

  NoMerger(RowKernels kernels, MergeSpec spec) {
    super(kernels, spec);
  }

  /** Returns the same values; where they are contiguous, the result shares the input's memory. */
  @Override
  MergedTokens fold(VideoTokens tokens, Tensor rows) {
    return MergedTokens.identity(rows.share(), tokens, new Retention(1.0, 1.0, null));
  }
}
