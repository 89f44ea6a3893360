package vidfold.torch;

import java.util.Arrays;

/**
 * What to run on.
 *
 * @param device {@code auto}, {@code cpu}, {@code cuda:N} or several of the latter with commas
 * @param dtype {@code auto}, {@code f32} or {@code bf16}
 * @param threads intra-op threads on the CPU; 0 is one a core
 */
public record TorchConfig(String device, String dtype, int threads) {

  /** What {@code device} may be. */
  public static final String DEVICES = "auto|cpu|cuda:\\d{1,4}(,cuda:\\d{1,4})*";

  public TorchConfig {
    if (!device.matches(DEVICES)) {
      throw new IllegalArgumentException(
          "device must be auto, cpu, cuda:N or cuda:N,cuda:M but was '" + device + "'");
    }
    if (Arrays.stream(device.split(",", -1)).distinct().count() < device.split(",", -1).length) {
      throw new IllegalArgumentException("device " + device + " names a device twice");
    }
    if (!dtype.matches("auto|f32|bf16")) {
      throw new IllegalArgumentException("dtype must be auto, f32 or bf16 but was '" + dtype + "'");
    }
    if (threads < 0) {
      throw new IllegalArgumentException("threads must not be negative but was " + threads);
    }
  }

  /** Device and dtype chosen for this machine. */
  public static TorchConfig auto() {
    return new TorchConfig("auto", "auto", 0);
  }

  /** The CPU in full precision, as the oracles are. */
  public static TorchConfig cpuF32() {
    return new TorchConfig("cpu", "f32", 0);
  }
}
