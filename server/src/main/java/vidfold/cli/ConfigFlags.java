package vidfold.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import vidfold.server.config.ConfigKey;
import vidfold.server.config.ConfigKeys;
import vidfold.server.config.ServerConfig;
import vidfold.server.config.Settings;
import vidfold.server.config.Settings.Flag;

/**
 * The flags of commands that set keys of the configuration; their help comes from the table of
 * keys. Every command with them also takes {@code --config FILE} and {@code --set KEY=VALUE}.
 */
final class ConfigFlags {
  private static final String CONFIG = "--config";
  private static final String SET = "--set";

  /** A flag and the key that it sets. */
  record Row(String flag, String key) {}

  static final List<Row> MODEL =
      List.of(
          new Row("--model", "model.path"),
          new Row("--device", "model.device"),
          new Row("--dtype", "model.dtype"),
          new Row("--weights", "model.weights"),
          new Row("--threads", "model.threads"));

  static final List<Row> SERVER =
      with(
          MODEL,
          new Row("--host", "http.host"),
          new Row("--port", "http.port"),
          new Row("--data", "data.folder"));

  static final List<Row> QUESTION =
      with(
          MODEL,
          new Row("--reducer", "answer.reducer"),
          new Row("--mode", "answer.mode"),
          new Row("--retention", "answer.retention"),
          new Row("--merge-layer", "answer.merge-layer"),
          new Row("--question-reducer", "answer.question-reducer"),
          new Row("--question-retention", "answer.question-retention"),
          new Row("--question-layer", "answer.question-layer"),
          new Row("--fps", "answer.fps"),
          new Row("--max-frames", "answer.max-frames"),
          new Row("--max-tokens", "answer.max-tokens"),
          new Row("--temperature", "answer.temperature"),
          new Row("--top-p", "answer.top-p"),
          new Row("--top-k", "answer.top-k"),
          new Row("--repetition-penalty", "answer.repetition-penalty"),
          new Row("--seed", "answer.seed"),
          new Row("--logprobs", "answer.logprobs"));

  private ConfigFlags() {}

  private static List<Row> with(List<Row> rows, Row... more) {
    return Stream.concat(rows.stream(), Stream.of(more)).toList();
  }

  /** Adds flags to a command. */
  static void add(CommandSpec command, List<Row> rows) {
    for (Row row : rows) {
      ConfigKey<?> key = ConfigKeys.find(row.key()).orElseThrow();
      command.addOption(
          OptionSpec.builder(row.flag())
              .type(String.class)
              .paramLabel("VALUE")
              .description(
                  key.description() + " (" + key.type().label() + "; " + key.defaultText() + ").")
              .userObject(row)
              .build());
    }
    command.addOption(
        OptionSpec.builder(CONFIG)
            .type(Path.class)
            .paramLabel("FILE")
            .description("YAML file of keys; 'vidfold config' prints one with all of them.")
            .build());
    command.addOption(
        OptionSpec.builder(SET)
            .type(List.class)
            .auxiliaryTypes(String.class)
            .paramLabel("KEY=VALUE")
            .description("Set any key of the configuration.")
            .build());
  }

  /** The configuration of a command; a mistake in it is a mistake of usage. */
  static ServerConfig config(CommandSpec command, Map<String, String> environment) {
    try {
      return ServerConfig.of(read(command, environment));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), Main.message(e), e);
    }
  }

  /** The settings of a command; a mistake in them is a mistake of usage. */
  static Settings settings(CommandSpec command, Map<String, String> environment) {
    try {
      return read(command, environment);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), Main.message(e), e);
    }
  }

  private static Settings read(CommandSpec command, Map<String, String> environment) {
    List<Flag> flags = new ArrayList<>();
    @Nullable List<String> sets = command.findOption(SET).getValue();
    if (sets != null) {
      sets.forEach(text -> flags.add(set(text)));
    }
    for (OptionSpec option : command.options()) {
      @Nullable String value = option.userObject() instanceof Row ? option.getValue() : null;
      if (value != null) {
        Row row = (Row) option.userObject();
        flags.add(new Flag(row.flag(), row.key(), value));
      }
    }
    return Settings.read(file(command, environment), environment, flags);
  }

  private static @Nullable Path file(CommandSpec command, Map<String, String> environment) {
    @Nullable Path flag = command.findOption(CONFIG).getValue();
    if (flag != null) {
      return flag;
    }
    String variable = environment.get(Settings.CONFIG_FILE_VARIABLE);
    return variable == null || variable.isBlank() ? null : Path.of(variable);
  }

  private static Flag set(String text) {
    int equals = text.indexOf('=');
    if (equals < 1) {
      throw new IllegalArgumentException("--set: expected KEY=VALUE but found '" + text + "'");
    }
    return new Flag(SET, text.substring(0, equals).strip(), text.substring(equals + 1));
  }
}
