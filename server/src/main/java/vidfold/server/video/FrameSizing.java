package vidfold.server.video;

import vidfold.model.FrameSize;

/** The frame size that the model takes for a clip; {@code llm::frameSize}. */
@FunctionalInterface
public interface FrameSizing {
  /**
   * The size of the model's frames, pixels.
   *
   * @param frames how many frames are read
   * @param width of the clip as shown, pixels
   * @param height of the clip as shown, pixels
   * @throws IllegalArgumentException when the model takes no clip of this shape
   */
  FrameSize of(int frames, int width, int height);
}
