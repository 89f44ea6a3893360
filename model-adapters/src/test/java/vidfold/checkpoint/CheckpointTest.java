package vidfold.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.torch.Dtype;

class CheckpointTest {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen2vl/checkpoint");

  @TempDir Path folder;

  @Test
  void shouldOpenAShardedCheckpoint() {
    try (Checkpoint checkpoint = Checkpoint.open(ORACLE)) {
      assertThat(checkpoint.modelType()).isEqualTo("qwen2_vl");
      assertThat(checkpoint.architectures()).containsExactly("Qwen2VLForConditionalGeneration");
      assertThat(checkpoint.config().node("vision_config").getInt("depth")).isEqualTo(2);
      assertThat(checkpoint.config().node("rope_scaling").getInts("mrope_section"))
          .containsExactly(2, 3, 3);
      assertThat(checkpoint.preprocessorConfig().orElseThrow().getDoubles("image_mean"))
          .containsExactly(0.48145466, 0.4578275, 0.40821073);
      assertThat(checkpoint.videoPreprocessorConfig()).isEmpty();
      WeightSource weights = checkpoint.weights();
      StoredTensor embedding = weights.require("model.embed_tokens.weight", 608, 96);
      assertThat(embedding.dtype()).isEqualTo(Dtype.F32);
      assertThat(embedding.file()).startsWith("model-0000");
      assertThat(weights.names()).contains("lm_head.weight", "model.norm.weight");
      assertThat(weights.names().stream().map(n -> weights.find(n).file()).distinct()).hasSize(3);
      assertThat(weights.has("model.layers.3.mlp.up_proj.weight")).isFalse();
    }
  }

  @Test
  void shouldReadGenerationDefaults() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(ORACLE)) {
      GenerationConfig generation = checkpoint.generationConfig();
      assertThat(generation.eosTokenIds()).containsExactly(588, 586);
      assertThat(generation.topK()).hasValue(1);
      assertThat(generation.topP()).hasValue(0.001);
      assertThat(generation.temperature()).hasValue(0.01);
      assertThat(generation.repetitionPenalty()).hasValue(1.0);
    }
    writeSingle();
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": 7}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.generationConfig().eosTokenIds()).isEqualTo(List.of(7));
      assertThat(checkpoint.generationConfig().temperature()).isEmpty();
    }
    Files.delete(folder.resolve("generation_config.json"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.generationConfig()).isEqualTo(GenerationConfig.NONE);
    }
  }

  @Test
  void shouldNameWrongKeys() {
    ConfigNode config =
        ConfigNode.parse("config.json", "{\"a\": {\"b\": \"x\", \"n\": null, \"l\": [1, 2.5]}}");
    ConfigNode inner = config.node("a");
    assertThatDefect(() -> inner.getInt("b"))
        .withMessage("config.json: a.b: expected an integer but found \"x\"");
    assertThatDefect(() -> inner.getInt("n"))
        .withMessage("config.json: a.n: expected an integer but found nothing");
    assertThatDefect(() -> inner.getInts("l"))
        .withMessage("config.json: a.l: expected a list of integers but found [1,2.5]");
    assertThatDefect(() -> config.node("z"))
        .withMessage("config.json: z: expected an object but found nothing");
    assertThat(inner.getInt("n", 5)).isEqualTo(5);
    assertThat(inner.find("n")).isEmpty();
    assertThatDefect(() -> inner.getInt("b", 5)).withMessageContaining("a.b");
    assertThatDefect(() -> ConfigNode.parse("config.json", "{\"a\": 1e3}").getInt("a"))
        .withMessageContaining("found 1000.0");
  }

  @Test
  void shouldRefuseAWrongShapeAndDtype() throws IOException {
    writeSingle();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      WeightSource weights = checkpoint.weights();
      assertThatDefect(() -> weights.require("w", 3, 2))
          .withMessage("model.safetensors: w: expected shape [3, 2] but found [2, 3]");
      assertThatDefect(() -> weights.find("ids"))
          .withMessage("model.safetensors: ids: expected F32, F16 or BF16 but found dtype I64");
      assertThatDefect(() -> weights.find("nope"))
          .withMessageStartingWith("model.safetensors: nope: expected a tensor but found none");
    }
  }

  @Test
  void shouldNameWhatAFolderLacks() throws IOException {
    assertThatDefect(() -> Checkpoint.open(folder.resolve("none")))
        .withMessageContaining("expected a folder");
    assertThatDefect(() -> Checkpoint.open(folder)).withMessageStartingWith("config.json: ");
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": ");
    assertThatDefect(() -> Checkpoint.open(folder))
        .withMessageStartingWith("config.json: expected JSON");
    Files.writeString(folder.resolve("config.json"), "{}");
    assertThatDefect(() -> Checkpoint.open(folder)).withMessageContaining("found neither");
    writeSingle();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      Files.writeString(folder.resolve("config.json"), "{}");
      assertThat(checkpoint.modelType()).isEqualTo("tiny");
    }
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThatDefect(checkpoint::modelType).withMessageStartingWith("config.json: model_type: ");
    }
  }

  @Test
  void shouldNameDefectsOfTheIndex() throws IOException {
    writeSingle();
    Files.move(folder.resolve("model.safetensors"), folder.resolve("one.safetensors"));
    writeIndex("{\"weight_map\": {\"w\": \"one.safetensors\", \"v\": \"two.safetensors\"}}");
    assertThatDefect(() -> Checkpoint.open(folder))
        .withMessage(
            "model.safetensors.index.json: v: expected the shard two.safetensors but found no such"
                + " file");
    writeIndex("{\"weight_map\": {\"w\": \"one.safetensors\", \"v\": \"one.safetensors\"}}");
    assertThatDefect(() -> Checkpoint.open(folder))
        .withMessageContaining("v: expected in one.safetensors but found no tensor");
    writeIndex("{\"weight_map\": {\"w\": \"../one.safetensors\"}}");
    assertThatDefect(() -> Checkpoint.open(folder)).withMessageContaining("in this folder");
    writeIndex("{\"weights\": {}}");
    assertThatDefect(() -> Checkpoint.open(folder)).withMessageContaining("weight_map");
    writeIndex("{\"weight_map\": {\"w\": \"one.safetensors\"}}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.weights().find("w").toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
    }
  }

  @Test
  void shouldDigestContentAndNotThePlace() throws IOException {
    String first = digest(ORACLE);
    assertThat(first).matches("sha256:[0-9a-f]{64}");
    copyOracle();
    assertThat(digest(folder)).isEqualTo(first);
    Path shard = folder.resolve("model-00002-of-00003.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    bytes[bytes.length - 1] ^= 1;
    Files.write(shard, bytes);
    String second = digest(folder);
    assertThat(second).isNotEqualTo(first);
    Files.writeString(
        folder.resolve("config.json"), Files.readString(folder.resolve("config.json")) + " ");
    assertThat(digest(folder)).isNotIn(first, second);
  }

  private void copyOracle() throws IOException {
    try (Stream<Path> files = Files.list(ORACLE)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private static String digest(Path folder) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return checkpoint.digest();
    }
  }

  private void writeSingle() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"tiny\"}");
    new SafetensorsWriter()
        .add("w", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
        .add("ids", new long[] {1}, 1)
        .write(folder.resolve("model.safetensors"));
  }

  private void writeIndex(String json) throws IOException {
    Files.writeString(folder.resolve("model.safetensors.index.json"), json);
  }

  private static ThrowableAssertAlternative<CheckpointException> assertThatDefect(
      ThrowingCallable call) {
    return assertThatExceptionOfType(CheckpointException.class).isThrownBy(call);
  }
}
