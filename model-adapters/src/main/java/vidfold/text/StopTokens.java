package vidfold.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;

/**
 * The tokens that end an answer.
 *
 * @param ids at least one token id
 */
public record StopTokens(Set<Integer> ids) {

  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  public StopTokens {
    if (ids.isEmpty()) {
      throw new IllegalArgumentException("expected at least one stop token but found none");
    }
    ids = Set.copyOf(ids);
  }

  /**
   * Those of {@code generation_config.json}; if it names none, {@code eos_token} of {@code
   * tokenizer_config.json}.
   */
  public static StopTokens of(Checkpoint checkpoint, Tokenizer tokenizer) {
    List<Integer> published = checkpoint.generationConfig().eosTokenIds();
    if (!published.isEmpty()) {
      return new StopTokens(new TreeSet<>(published));
    }
    Path file = checkpoint.folder().resolve(TOKENIZER_CONFIG);
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(
          "generation_config.json", "eos_token_id: expected token ids but found nothing");
    }
    ConfigNode config = ConfigNode.read(file);
    int id =
        tokenizer
            .idOf(tokenText(config, "eos_token"))
            .orElseThrow(() -> config.unusable("eos_token", "a token of the vocabulary"));
    return new StopTokens(Set.of(id));
  }

  public boolean contains(int id) {
    return ids.contains(id);
  }

  /** A token of {@code tokenizer_config.json}: a string, or an object with its {@code content}. */
  static String tokenText(ConfigNode config, String key) {
    JsonNode token = config.json().path(key);
    return token.isObject() ? config.node(key).getString("content") : config.getString(key, "");
  }
}
