package vidfold.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.function.Consumer;
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
    for (String same :
        List.of("tokenizer.json", "tokenizer_config.json", "generation_config.json")) {
      Files.copy(
          CONVERTED.resolve(same), folder.resolve(same), StandardCopyOption.REPLACE_EXISTING);
    }
    writeWeights(folder.resolve("model.safetensors"));
    return folder;
  }

  private static void writeWeights(Path to) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile file = SafetensorsFile.open(CONVERTED.resolve("model.safetensors"))) {
      for (String name : file.names()) {
        StoredTensor tensor = file.find(name);
        ByteBuffer raw = tensor.map().get(0);
        byte[] bytes = new byte[raw.remaining()];
        raw.get(bytes);
        writer.add(renamed(name), tensor.dtype(), bytes, tensor.shape());
      }
      writer.write(to);
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
