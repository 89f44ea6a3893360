package vidfold.model;

import java.util.List;
import vidfold.torch.Torch;

/**
 * How a decoder lies in memory.
 *
 * @param format how its linear layers are kept
 * @param plan which device holds which layers
 */
record DecoderLayout(WeightFormat format, PlacementPlan plan) {

  /** What libraries and the merge take on a device besides activations. */
  private static final long RESERVE = 1L << 30;

  /** Rows of {@code [S, C]} that live at once beside the MLP's. */
  private static final int HIDDEN_STATES = 8;

  /** As stored, on the first device. */
  static DecoderLayout stored(Torch torch, Qwen2Config config) {
    return on(torch, config, WeightFormat.STORED);
  }

  /** All on the first device. */
  static DecoderLayout on(Torch torch, Qwen2Config config, WeightFormat format) {
    return new DecoderLayout(format, PlacementPlan.single(torch.deviceName(), config.layers()));
  }

  /**
   * Shares the layers out over the devices by the memory that is free now.
   *
   * @throws IllegalArgumentException if they do not fit, or the format does not pay there
   */
  static DecoderLayout of(Torch torch, Qwen2Config config, LoadOptions options) {
    List<String> names = torch.deviceNames();
    if (names.size() == 1) {
      return on(torch, config, options.weights());
    }
    List<PlacementPlan.Device> devices =
        names.stream().map(name -> new PlacementPlan.Device(name, torch.freeBytes(name))).toList();
    PlacementPlan.Need need = need(config, options, torch.dtype().bytes());
    return new DecoderLayout(options.weights(), PlacementPlan.of(need, devices));
  }

  /**
   * What a decoder takes.
   *
   * @param dtypeBytes bytes of one element of the model's dtype
   */
  static PlacementPlan.Need need(Qwen2Config config, LoadOptions options, int dtypeBytes) {
    boolean int8 = options.weights() == WeightFormat.INT8;
    long linear = (long) (config.linearFlopsPerLayer() / 2);
    long table = (long) config.vocabulary() * config.hidden();
    long ends = table * dtypeBytes + (config.tiedHead() ? 0 : table * (int8 ? 1 : dtypeBytes));
    long widest =
        2L * config.intermediate() + config.qkvRows() + (long) HIDDEN_STATES * config.hidden();
    return new PlacementPlan.Need(
        config.layers(),
        linear * (int8 ? 1 : dtypeBytes),
        options.kvBytes() / config.layers(),
        ends,
        RESERVE + widest * Qwen2VideoLlm.GPU_CHUNK * dtypeBytes);
  }
}
