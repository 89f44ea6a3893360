package vidfold.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * An open Hugging Face checkpoint folder: configuration files, read at once, and weights, mapped
 * when they are asked for. Closing it closes the weight files; mapped buffers stay valid.
 */
public final class Checkpoint implements AutoCloseable {

  private static final String CONFIG = "config.json";
  private static final String GENERATION = "generation_config.json";

  private final Path folder;
  private final ConfigNode config;
  private final GenerationConfig generation;
  private final WeightSource weights;

  private Checkpoint(
      Path folder, ConfigNode config, GenerationConfig generation, WeightSource weights) {
    this.folder = folder;
    this.config = config;
    this.generation = generation;
    this.weights = weights;
  }

  /**
   * Opens a folder: parses its configuration and the header of every weight file.
   *
   * @throws CheckpointException if {@code config.json} or the weights are missing or defective
   */
  public static Checkpoint open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException(folder.toString(), "expected a folder but found none");
    }
    ConfigNode config = ConfigNode.read(folder.resolve(CONFIG));
    GenerationConfig generation =
        optional(folder, GENERATION).map(GenerationConfig::of).orElse(GenerationConfig.NONE);
    return new Checkpoint(folder, config, generation, WeightSource.open(folder));
  }

  public Path folder() {
    return folder;
  }

  /** {@code config.json}. */
  public ConfigNode config() {
    return config;
  }

  /** {@code generation_config.json}; {@link GenerationConfig#NONE} when there is none. */
  public GenerationConfig generationConfig() {
    return generation;
  }

  /**
   * {@code preprocessor_config.json}, else {@code image_processor} in {@code
   * processor_config.json}, as transformers 5 saves it.
   */
  public Optional<ConfigNode> preprocessorConfig() {
    return optional(folder, "preprocessor_config.json").or(() -> processor("image_processor"));
  }

  /** {@code video_preprocessor_config.json}, else {@code video_processor} in the same. */
  public Optional<ConfigNode> videoPreprocessorConfig() {
    return optional(folder, "video_preprocessor_config.json")
        .or(() -> processor("video_processor"));
  }

  /** The kind of model, for example {@code qwen2_vl}. */
  public String modelType() {
    return config.getString("model_type");
  }

  /** Names of the model classes, for example {@code Qwen2VLForConditionalGeneration}. */
  public List<String> architectures() {
    return config.has("architectures") ? config.getStrings("architectures") : List.of();
  }

  public WeightSource weights() {
    return weights;
  }

  /**
   * A fingerprint, {@code sha256:} and 64 hex digits, of {@code config.json} and of each weight
   * file's name, size, header and first and last 1 MiB. It tells checkpoints apart at the cost of a
   * few reads; it does not notice a change deep inside a file that keeps its size.
   */
  public String digest() {
    MessageDigest digest = sha256();
    byte[] json = JsonFiles.bytes(folder.resolve(CONFIG));
    digest.update((json.length + "\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    digest.update(json);
    weights.files().forEach(file -> file.digest(digest));
    return "sha256:" + HexFormat.of().formatHex(digest.digest());
  }

  @Override
  public void close() {
    weights.close();
  }

  private Optional<ConfigNode> processor(String part) {
    return optional(folder, "processor_config.json").flatMap(file -> file.find(part));
  }

  private static Optional<ConfigNode> optional(Path folder, String name) {
    Path file = folder.resolve(name);
    return Files.isRegularFile(file) ? Optional.of(ConfigNode.read(file)) : Optional.empty();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
