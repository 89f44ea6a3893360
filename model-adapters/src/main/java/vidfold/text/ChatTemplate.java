package vidfold.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.ConfigNode;

/**
 * The Jinja chat template of a checkpoint, rendered as the Hugging Face library does: blocks leave
 * no line behind, and {@code messages}, {@code add_generation_prompt}, {@code bos_token} and {@code
 * eos_token} are the variables. It cannot read files and its output is bounded. Thread-safe.
 *
 * <p>Text of users never goes through it when a prompt is built; see {@link PromptCut}.
 */
public final class ChatTemplate {

  private static final String JINJA_FILE = "chat_template.jinja";
  private static final String JSON_FILE = "chat_template.json";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final String KEY = "chat_template";
  private static final long MAX_FILE_BYTES = 1 << 20;

  private final String file;
  private final String source;
  private final String bosToken;
  private final String eosToken;
  private final TemplateEngine engine = new TemplateEngine();

  private ChatTemplate(String file, String source, String bosToken, String eosToken) {
    TemplateEngine.unsupported(source)
        .ifPresent(
            found -> {
              throw new CheckpointException(
                  file, "chat template: expected none of the unsupported Jinja in " + found);
            });
    this.file = file;
    this.source = TemplateEngine.prepare(source);
    this.bosToken = bosToken;
    this.eosToken = eosToken;
  }

  /** A template given as text; both tokens may be empty. */
  public static ChatTemplate of(String source, String bosToken, String eosToken) {
    return new ChatTemplate(KEY, source, bosToken, eosToken);
  }

  /**
   * Reads {@code chat_template.jinja}, else {@code chat_template.json}, else the one in {@code
   * tokenizer_config.json}.
   */
  public static ChatTemplate open(Path folder) {
    String bos = "";
    String eos = "";
    Path config = folder.resolve(TOKENIZER_CONFIG);
    if (Files.isRegularFile(config)) {
      ConfigNode tokens = ConfigNode.read(config);
      bos = StopTokens.tokenText(tokens, "bos_token");
      eos = StopTokens.tokenText(tokens, "eos_token");
    }
    if (Files.isRegularFile(folder.resolve(JINJA_FILE))) {
      return new ChatTemplate(JINJA_FILE, text(folder.resolve(JINJA_FILE)), bos, eos);
    }
    for (String name : List.of(JSON_FILE, TOKENIZER_CONFIG)) {
      if (Files.isRegularFile(folder.resolve(name))) {
        ConfigNode json = ConfigNode.read(folder.resolve(name));
        if (json.has(KEY)) {
          return new ChatTemplate(name, source(json), bos, eos);
        }
      }
    }
    throw new CheckpointException(
        TOKENIZER_CONFIG,
        KEY + ": expected here or in " + JINJA_FILE + " or " + JSON_FILE + " but found none");
  }

  /**
   * Renders a conversation; {@code generationPrompt} adds the header of the assistant's next
   * answer.
   *
   * @throws CheckpointException if the template is defective, refuses the conversation or writes
   *     more than 1 Mi characters
   */
  public String render(List<ChatMessage> messages, boolean generationPrompt) {
    Map<String, Object> variables =
        Map.of(
            "messages", messages.stream().map(ChatMessage::variables).toList(),
            "add_generation_prompt", generationPrompt,
            "bos_token", bosToken,
            "eos_token", eosToken);
    RenderResult result = engine.render(source, variables);
    if (!result.getErrors().isEmpty()) {
      throw defect(result.getErrors().get(0));
    }
    return result.getOutput();
  }

  /** The file the template came from. */
  String file() {
    return file;
  }

  /** Says what {@code raise_exception} was given, or else what the engine says. */
  private CheckpointException defect(TemplateError error) {
    String message = error.getMessage();
    Throwable cause = error.getException();
    while (cause != null) {
      message = cause.getMessage() == null ? message : cause.getMessage();
      cause = cause.getCause();
    }
    return new CheckpointException(file, "chat template: " + message);
  }

  /** The template itself, or the one named default among several. */
  private static String source(ConfigNode json) {
    JsonNode value = json.json().path(KEY);
    for (JsonNode named : value) {
      if (named.path("name").asText().equals("default")) {
        return named.path("template").asText();
      }
    }
    return json.getString(KEY);
  }

  private static String text(Path path) {
    try {
      long size = Files.size(path);
      if (size > MAX_FILE_BYTES) {
        throw new CheckpointException(
            JINJA_FILE, "expected at most " + MAX_FILE_BYTES + " bytes but found " + size);
      }
      return Files.readString(path);
    } catch (IOException e) {
      throw new CheckpointException(JINJA_FILE, "cannot be read: " + e.getMessage(), e);
    }
  }
}
