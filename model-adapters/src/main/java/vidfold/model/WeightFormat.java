package vidfold.model;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import vidfold.torch.Dtype;
import vidfold.torch.Torch;

/** How the weights of the decoder's linear layers are kept in memory. */
public enum WeightFormat {
  /** In the model's dtype. */
  STORED,

  /**
   * Symmetric int8 with one scale for each output channel; activations stay in bf16. Half the
   * memory and, on a CPU, half the bytes to read for each token. A GPU widens the weights anew for
   * each token, which costs time: it is for models that would not fit otherwise.
   */
  INT8;

  /** The names used in flags and configuration. */
  public static List<String> labels() {
    return Arrays.stream(values()).map(WeightFormat::label).toList();
  }

  /** The format of this name. */
  public static WeightFormat of(String label) {
    for (WeightFormat format : values()) {
      if (format.label().equals(label)) {
        return format;
      }
    }
    throw new IllegalArgumentException(
        "weights must be one of " + labels() + " but were '" + label + "'");
  }

  /** The name used in flags, configuration and receipts, {@code stored} or {@code int8}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  void requireOn(Torch torch) {
    requireOn(torch.onGpu(), torch.dtype());
  }

  /**
   * Refuses a format where it does not pay.
   *
   * @throws IllegalArgumentException saying why
   */
  void requireOn(boolean gpu, Dtype dtype) {
    if (this == INT8 && dtype != Dtype.BF16) {
      throw new IllegalArgumentException(
          "int8 weights are offered in bf16 only, but the model runs on "
              + (gpu ? "a GPU" : "the CPU")
              + " in "
              + dtype.label()
              + ": PyTorch has no kernel for them there, so each token would widen every weight"
              + " first and be slower than with stored ones");
    }
  }
}
