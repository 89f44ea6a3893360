package vidfold.model;

import java.nio.ByteBuffer;
import java.util.List;
import vidfold.torch.Tensor;

/** The vision tower of a Qwen2-VL model. Returned tensors are the caller's to close. */
sealed interface QwenVision extends AutoCloseable permits Qwen2VlVision, Qwen25VlVision {

  /**
   * Encodes whole temporal steps.
   *
   * @param frames {@code n * temporalPatch} frames of {@code [H, W, 3]} bytes
   * @return visual tokens {@code [n * H/(p*m) * W/(p*m), C]}
   */
  Tensor encode(List<ByteBuffer> frames, int width, int height);

  /**
   * As {@link #encode}, with the attention that each token receives in the last block.
   *
   * @param queries patches whose attention is in memory at a time
   */
  SalientTokens encodeSalient(List<ByteBuffer> frames, FrameSize size, int queries);

  /** One temporal step's patches {@code [H/p * W/p, 3*tp*p*p]}, normalised, in f32. */
  Tensor patchify(List<ByteBuffer> frames, int width, int height);

  @Override
  void close();
}
