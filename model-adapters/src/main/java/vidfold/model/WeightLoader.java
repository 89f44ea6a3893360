package vidfold.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import vidfold.checkpoint.StoredTensor;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/** Turns stored bytes into weights of the model's dtype on its device. */
final class WeightLoader implements AutoCloseable {

  /**
   * Bytes read at once; a multiple of every element's. The C library takes blocks up to the largest
   * that was ever freed from its heap, where freed parts of fused weights leave holes, and larger
   * ones from the system: pieces of 32 MiB cost 1 GiB of holes with 3.4 GiB of weights.
   */
  private static final int PIECE = 4 << 20;

  private final Torch torch;
  private final TorchModule script;
  private final ByteBuffer piece;

  WeightLoader(Torch torch) {
    this(torch, PIECE);
  }

  /** Reads so many bytes at once, a multiple of eight. */
  WeightLoader(Torch torch, int pieceBytes) {
    this.torch = torch;
    this.script = torch.script("WeightLoader", "weights.py");
    this.piece = ByteBuffer.allocateDirect(pieceBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads a stored tensor piece by piece onto the device; the caller closes it. */
  Tensor load(StoredTensor stored, long... shape) {
    Tensor whole = script.callTensor("empty", shape, torch.dtype().code(), torch.deviceName());
    try {
      int bytes = stored.dtype().bytes();
      for (long at = 0; at < stored.byteLength(); at += piece.limit()) {
        stored.read(at, piece);
        try (Tensor raw = torch.viewBytes(piece, piece.limit())) {
          script.call("fill", whole, at / bytes, raw, stored.dtype().code());
        }
      }
      return whole;
    } catch (RuntimeException e) {
      whole.close();
      throw e;
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
}
