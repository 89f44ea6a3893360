package vidfold.model;

import java.nio.file.Path;
import java.util.List;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.torch.Torch;

/** Opens checkpoint folders: the adapter follows from {@code config.json} alone. */
public final class VideoLlms {

  private static final List<String> SUPPORTED = List.of(Qwen2VlCheckpoint.ARCHITECTURE);

  private VideoLlms() {}

  /**
   * Loads a model onto the device.
   *
   * @throws CheckpointException if the folder is no supported checkpoint or is defective; the
   *     message names file, tensor, found and expected
   */
  public static VideoLlm open(Path folder, Torch torch) {
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        WeightLoader loader = new WeightLoader(torch)) {
      if (checkpoint.architectures().stream().noneMatch(SUPPORTED::contains)) {
        throw new CheckpointException(
            checkpoint.config().file(),
            "architectures: expected one of "
                + SUPPORTED
                + " but found "
                + checkpoint.architectures()
                + " (model_type "
                + checkpoint.config().getString("model_type", "not given")
                + ")");
      }
      Qwen2VlConfig config = Qwen2VlCheckpoint.config(checkpoint);
      Weights weights = new CheckpointWeights(checkpoint.weights(), loader);
      return new Qwen2VideoLlm(
          torch,
          new Qwen2VideoLlm.Identity(
              folder.toAbsolutePath().normalize().getFileName().toString(), checkpoint.digest()),
          config,
          CheckpointPrompt.open(checkpoint, Qwen2VlCheckpoint.VIDEO_TOKEN),
          Qwen2VlCheckpoint.weights(checkpoint, weights));
    }
  }
}
