package vidfold.merging;

import java.util.Arrays;
import vidfold.torch.Tensor;

/** How far survivors are from what they stand for, see {@link TokenMergers#informationLoss}. */
final class InformationLoss {

  private final RowKernels kernels;

  InformationLoss(RowKernels kernels) {
    this.kernels = kernels;
  }

  double of(VideoTokens tokens, MergedTokens merged) {
    int[] standIn = standIns(merged.owner(), Grid.of(tokens));
    int[] token = new int[standIn.length];
    int[] survivor = new int[standIn.length];
    int count = 0;
    for (int i = 0; i < standIn.length; i++) {
      if (standIn[i] >= 0) {
        token[count] = i;
        survivor[count++] = standIn[i];
      }
    }
    double sum = 0;
    try (Tensor rows = kernels.rows(tokens)) {
      float[] cosines =
          kernels.cosines(
              rows, Arrays.copyOf(token, count), merged.values(), Arrays.copyOf(survivor, count));
      for (float cosine : cosines) {
        sum += cosine;
      }
    }
    return 1 - sum / standIn.length;
  }

  /** The owner of each token, or of its place in the nearest frame, or -1. */
  private static int[] standIns(int[] owner, Grid grid) {
    int[] out = owner.clone();
    for (int i = 0; i < out.length; i++) {
      int reach = out.length / grid.leaves();
      for (int apart = 1; out[i] < 0 && apart < reach; apart++) {
        int before = i - apart * grid.leaves();
        int after = i + apart * grid.leaves();
        if (before >= 0) {
          out[i] = owner[before];
        }
        if (out[i] < 0 && after < out.length) {
          out[i] = owner[after];
        }
      }
    }
    return out;
  }
}
