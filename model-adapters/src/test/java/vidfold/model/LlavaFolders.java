package vidfold.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.checkpoint.SafetensorsWriter;
import vidfold.checkpoint.StoredTensor;

/** The oracle's LLaVA checkpoint, and the same weights in the layout of lmms-lab. */
final class LlavaFolders {

  static final Path ORACLE = Path.of("src/test/resources/oracle/llava");
  static final Path CONVERTED = ORACLE.resolve("checkpoint");

  private static final ObjectMapper JSON = new ObjectMapper();

  private LlavaFolders() {}

  /** A case's golden file. */
  static SafetensorsFile open(String name) {
    return SafetensorsFile.open(ORACLE.resolve("cases").resolve(name + ".safetensors"));
  }

  /** Writes the checkpoint as lmms-lab would; {@code settings} may change its config.json. */
  static Path writeLmmsLab(Path folder, Consumer<ObjectNode> settings) throws IOException {
    ObjectNode old = (ObjectNode) JSON.readTree(CONVERTED.resolve("config.json").toFile());
    ObjectNode config = ((ObjectNode) old.get("text_config")).deepCopy();
    config.putArray("architectures").add("LlavaQwenForCausalLM");
    config.put("model_type", "llava_qwen");
    config.put("max_position_embeddings", 32768).put("rms_norm_eps", 1e-6);
    config.put("mm_projector_type", "mlp2x_gelu").putNull("mm_resampler_type");
    config.put("mm_vision_select_feature", "patch").put("mm_vision_select_layer", -2);
    config.put("mm_spatial_pool_mode", "bilinear").put("mm_spatial_pool_stride", 2);
    config.put("mm_patch_merge_type", "spatial_unpad");
    config.put("mm_vision_tower", "google/siglip-so400m-patch14-384");
    // Only test folders say this: the published ones leave out a last block that nobody uses.
    ObjectNode vision = ((ObjectNode) old.get("vision_config")).deepCopy();
    config.set("vision_config", vision.put("num_hidden_layers", 3));
    settings.accept(config);
    JSON.writeValue(folder.resolve("config.json").toFile(), config);
    copy(folder, "tokenizer.json", "tokenizer_config.json", "generation_config.json");
    writeWeights(folder, LlavaFolders::renamed);
    return folder;
  }

  /**
   * Writes the checkpoint as new versions of transformers do when they keep their own names.
   *
   * @param tower the name of the vision tower, with the dot
   * @param settings may change config.json
   */
  static Path writeNested(Path folder, String tower, Consumer<ObjectNode> settings)
      throws IOException {
    return writeNewer(
        folder,
        name ->
            "model."
                + name.replaceFirst("^language_model\\.model\\.", "language_model.")
                    .replaceFirst("^vision_tower\\.vision_model\\.", tower),
        settings);
  }

  /** Writes what transformers 5 saves: the names of the conversions but for the vision tower's. */
  static Path writeSaved(Path folder) throws IOException {
    return writeNewer(
        folder,
        name -> name.replaceFirst("^vision_tower\\.vision_model\\.", "vision_tower."),
        config -> {});
  }

  private static Path writeNewer(
      Path folder, UnaryOperator<String> rename, Consumer<ObjectNode> settings) throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(CONVERTED.resolve("config.json").toFile());
    ObjectNode text = (ObjectNode) config.get("text_config");
    ObjectNode rope = text.putObject("rope_parameters");
    rope.put("rope_type", "default").set("rope_theta", text.remove("rope_theta"));
    config.set("video_token_id", config.remove("video_token_index"));
    config.put("tie_word_embeddings", true);
    settings.accept(config);
    JSON.writeValue(folder.resolve("config.json").toFile(), config);
    copy(folder, "tokenizer.json", "tokenizer_config.json", "chat_template.json");
    writeWeights(folder, rename);
    return folder;
  }

  private static void copy(Path folder, String... names) throws IOException {
    for (String name : names) {
      Files.copy(
          CONVERTED.resolve(name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void writeWeights(Path folder, UnaryOperator<String> rename) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile file = SafetensorsFile.open(CONVERTED.resolve("model.safetensors"))) {
      for (String name : file.names()) {
        StoredTensor tensor = file.find(name);
        ByteBuffer raw = tensor.map().get(0);
        byte[] bytes = new byte[raw.remaining()];
        raw.get(bytes);
        writer.add(rename.apply(name), tensor.dtype(), bytes, tensor.shape());
      }
      writer.write(folder.resolve("model.safetensors"));
    }
  }

  private static String renamed(String name) {
    return name.replaceFirst("^language_model\\.model\\.", "model.")
        .replaceFirst("^language_model\\.lm_head\\.", "lm_head.")
        .replaceFirst("^vision_tower\\.", "model.vision_tower.vision_tower.")
        .replaceFirst("^multi_modal_projector\\.linear_1\\.", "model.mm_projector.0.")
        .replaceFirst("^multi_modal_projector\\.linear_2\\.", "model.mm_projector.2.")
        .replaceFirst("^image_newline$", "model.image_newline");
  }
}
