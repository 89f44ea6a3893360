package vidfold.cli;

import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import vidfold.server.config.ConfigKey;
import vidfold.server.config.ConfigKeys;
import vidfold.server.config.Settings;

/** {@code vidfold config}: prints every key with its value and where that comes from. */
@Command(
    name = "config",
    mixinStandardHelpOptions = true,
    description = "Print every key of the configuration, its value and where that comes from.")
final class ShowConfig implements Callable<Integer> {
  /** What YAML takes for a text or a number without quotes. */
  private static final Pattern PLAIN = Pattern.compile("(~/)?[\\w./][\\w./-]*");

  private final Map<String, String> environment;

  @Spec private CommandSpec spec;

  @Option(names = "--markdown", description = "Print the table of keys and defaults instead.")
  private boolean markdown;

  ShowConfig(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (markdown) {
      out.print(ConfigKeys.markdown());
    } else {
      print(out, ConfigFlags.settings(spec, environment));
    }
    out.flush();
    return 0;
  }

  /** The output is itself a configuration file. */
  private static void print(PrintWriter out, Settings settings) {
    for (ConfigKey<?> key : ConfigKeys.all()) {
      Settings.Given given = settings.given(key);
      out.printf("# %s (%s; %s)%n", key.description(), key.type().label(), key.environmentName());
      if (given.source() != Settings.Source.DEFAULT) {
        out.printf("# from %s; the default is %s%n", given.origin(), key.defaultText());
      }
      out.printf("%s: %s%n%n", key.name(), yaml(given.text()));
    }
  }

  private static String yaml(String text) {
    return PLAIN.matcher(text).matches() ? text : "'" + text.replace("'", "''") + "'";
  }
}
