package vidfold.model;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import vidfold.torch.Dtype;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/** Turns stored bytes into weights of the model's dtype on its device. */
final class WeightLoader implements AutoCloseable {

  private final Torch torch;
  private final TorchModule script;

  WeightLoader(Torch torch) {
    this.torch = torch;
    this.script = torch.script("WeightLoader", "weights.py");
  }

  /** Copies a mapped tensor, given in one or more pieces, to the device; the caller closes it. */
  Tensor cast(List<ByteBuffer> pieces, Dtype stored, long[] shape) {
    if (pieces.size() == 1) {
      return castOne(pieces.get(0), stored, shape);
    }
    List<Tensor> parts = new ArrayList<>();
    try {
      for (ByteBuffer piece : pieces) {
        parts.add(castOne(piece, stored, -1));
      }
      try (Tensor flat = script.callTensor("cat", parts)) {
        return script.callTensor("shaped", flat, shape);
      }
    } finally {
      parts.forEach(Tensor::close);
    }
  }

  /** A weight drawn from a normal distribution of this deviation. */
  Tensor random(double deviation, long... shape) {
    return script.callTensor("random", shape, torch.dtype().code(), torch.deviceName(), deviation);
  }

  /** {@code x [S, in]} times a weight {@code [out, in]}, for measuring the machine. */
  Tensor product(Tensor x, Tensor weight) {
    return script.callTensor("product", x, weight);
  }

  /** Reads every element once, for measuring the machine. */
  Tensor sum(Tensor x) {
    return script.callTensor("sum", x);
  }

  @Override
  public void close() {
    script.close();
  }

  private Tensor castOne(ByteBuffer raw, Dtype stored, long... shape) {
    try (Tensor bytes = torch.viewBytes(raw, raw.remaining())) {
      return script.callTensor(
          "cast", bytes, stored.code(), shape, torch.dtype().code(), torch.deviceName());
    } finally {
      java.lang.ref.Reference.reachabilityFence(raw);
    }
  }
}
