package vidfold.model;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.torch.Torch;

/** Opens checkpoint folders: the adapter follows from {@code config.json} alone. */
public final class VideoLlms {

  /** The families by the name that {@code architectures} gives their model class. */
  private static final Map<String, Family> FAMILIES =
      new TreeMap<>(
          Map.of(
              Qwen2VlCheckpoint.ARCHITECTURE, Qwen2VlCheckpoint::load,
              Qwen25VlCheckpoint.ARCHITECTURE, Qwen25VlCheckpoint::load,
              LlavaCheckpoint.ONEVISION, LlavaCheckpoint::load,
              LlavaCheckpoint.LMMS_LAB, LlavaCheckpoint::load));

  private VideoLlms() {}

  /** Loads the parts of a model from its checkpoint. */
  private interface Family {
    Qwen2VideoLlm.Parts load(
        Checkpoint checkpoint, Torch torch, Weights weights, LoadOptions options);
  }

  /** Loads a model onto the device with its weights as they are stored. */
  public static VideoLlm open(Path folder, Torch torch) {
    return open(folder, torch, LoadOptions.stored());
  }

  /**
   * Loads a model onto the devices.
   *
   * @throws IllegalArgumentException if the model does not fit the devices, or they have no use for
   *     the format of the weights
   * @throws CheckpointException if the folder is no supported checkpoint or is defective; the
   *     message names file, tensor, found and expected
   */
  public static VideoLlm open(Path folder, Torch torch, LoadOptions options) {
    options.weights().requireOn(torch);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        WeightLoader loader = new WeightLoader(torch)) {
      Weights weights = new CheckpointWeights(checkpoint.weights(), loader);
      return new Qwen2VideoLlm(
          torch,
          new Qwen2VideoLlm.Identity(
              folder.toAbsolutePath().normalize().getFileName().toString(), checkpoint.digest()),
          load(checkpoint, torch, weights, options));
    }
  }

  /** Loads the parts of the checkpoint's family. */
  static Qwen2VideoLlm.Parts load(
      Checkpoint checkpoint, Torch torch, Weights weights, LoadOptions options) {
    return family(checkpoint).load(checkpoint, torch, weights, options);
  }

  private static Family family(Checkpoint checkpoint) {
    return checkpoint.architectures().stream()
        .flatMap(name -> Optional.ofNullable(FAMILIES.get(name)).stream())
        .findFirst()
        .orElseThrow(
            () ->
                new CheckpointException(
                    checkpoint.config().file(),
                    "architectures: expected one of "
                        + FAMILIES.keySet()
                        + " but found "
                        + checkpoint.architectures()
                        + " (model_type "
                        + checkpoint.config().getString("model_type", "not given")
                        + ")"));
  }
}
