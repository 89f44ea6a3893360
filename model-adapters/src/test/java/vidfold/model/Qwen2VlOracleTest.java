package vidfold.model;

import java.nio.file.Path;
import java.util.stream.Stream;
import vidfold.checkpoint.Checkpoint;
import vidfold.torch.Torch;

/** Qwen2-VL against Hugging Face transformers. */
class Qwen2VlOracleTest extends QwenVlOracleContract {

  @Override
  Path oracle() {
    return Path.of("src/test/resources/oracle/qwen2vl");
  }

  @Override
  Qwen2VlAdapter openAdapter(Torch torch, Checkpoint checkpoint, Weights weights) {
    return new Qwen2VlAdapter(torch, Qwen2VlCheckpoint.config(checkpoint), weights, "visual.");
  }

  @Override
  QwenVision openVision(Torch torch, Checkpoint checkpoint, Weights weights) {
    Qwen2VlConfig config = Qwen2VlCheckpoint.config(checkpoint);
    return new Qwen2VlVision(torch, config.vision(), weights, "visual.", config.scale());
  }

  @Override
  Stream<String> videos() {
    return Stream.of("video_square", "video_wide", "video_long");
  }

  @Override
  String merging() {
    return "video_wide";
  }

  @Override
  Stream<Prefilled> prefilled() {
    return Stream.of(
        new Prefilled("video_square", 0, 64),
        new Prefilled("video_square", 2, 64),
        new Prefilled("video_square", 1, 7),
        new Prefilled("video_wide", 0, 16),
        new Prefilled("video_wide", 2, 5),
        new Prefilled("video_long", 0, 64),
        new Prefilled("video_long", 1, 9),
        new Prefilled("two_turns", 2, 11));
  }
}
