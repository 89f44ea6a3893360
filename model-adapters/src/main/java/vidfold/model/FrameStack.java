package vidfold.model;

import java.nio.ByteBuffer;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/** Frames of one size in one tensor. */
final class FrameStack {

  private FrameStack() {}

  /** Frames of {@code [H, W, 3]} bytes -> {@code [n, H, W, 3]} on the device. */
  static Tensor of(Torch torch, List<ByteBuffer> frames, int width, int height) {
    int bytes = width * height * 3;
    ByteBuffer all = ByteBuffer.allocateDirect(Math.multiplyExact(frames.size(), bytes));
    frames.forEach(frame -> all.put(frame.duplicate()));
    return torch.bytes(all.flip(), frames.size(), height, width, 3);
  }
}
