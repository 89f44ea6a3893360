package vidfold.server.config;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The value of every key: defaults, overridden by the file, by the environment, by flags.
 *
 * <p>Every message names the key, where its value came from, what was found and what was expected.
 */
public final class Settings {
  static final String ENVIRONMENT_PREFIX = "VIDFOLD_";

  /** The environment variable that names the configuration file. */
  public static final String CONFIG_FILE_VARIABLE = "VIDFOLD_CONFIG";

  /** Variables that the start scripts and tests read; they are no keys. */
  private static final Set<String> OTHER_VARIABLES =
      Set.of(CONFIG_FILE_VARIABLE, "VIDFOLD_JAVA_OPTS", "VIDFOLD_PYTHON");

  /** Where a value comes from, the weakest first. */
  public enum Source {
    DEFAULT,
    FILE,
    ENVIRONMENT,
    FLAG
  }

  /**
   * A flag of the command line that sets a key.
   *
   * @param name as the user typed it, {@code --retention}
   */
  public record Flag(String name, String key, String value) {}

  /**
   * A value as it was written.
   *
   * @param origin for messages: a file, a variable or a flag
   */
  public record Given(String text, Source source, String origin) {}

  private final Map<String, Given> given;

  private Settings(Map<String, Given> given) {
    this.given = given;
    ConfigKeys.all().forEach(this::get);
  }

  /**
   * Reads every value once.
   *
   * @param file a YAML file, whole keys or parts of them, or null
   * @param environment variables, of which only those with our prefix count
   * @throws IllegalArgumentException on an unknown key or a value that is not as expected
   */
  public static Settings read(
      @Nullable Path file, Map<String, String> environment, List<Flag> flags) {
    Map<String, Given> given = new HashMap<>();
    for (ConfigKey<?> key : ConfigKeys.all()) {
      given.put(key.name(), new Given(key.defaultText(), Source.DEFAULT, "the default"));
    }
    if (file != null) {
      ConfigFile.read(file).forEach((key, text) -> put(given, key, fromFile(file, text)));
    }
    readEnvironment(environment).forEach(given::put);
    for (Flag flag : flags) {
      put(given, flag.key(), new Given(flag.value(), Source.FLAG, flag.name()));
    }
    return new Settings(given);
  }

  private static Given fromFile(Path file, String text) {
    return new Given(text, Source.FILE, "file " + file);
  }

  private static void put(Map<String, Given> given, String key, Given value) {
    if (ConfigKeys.find(key).isEmpty()) {
      List<String> names = ConfigKeys.all().stream().map(ConfigKey::name).toList();
      throw new IllegalArgumentException(
          "unknown key '%s' in %s; %s".formatted(key, value.origin(), hint(key, names, "'%s'")));
    }
    given.put(key, value);
  }

  private static Map<String, Given> readEnvironment(Map<String, String> environment) {
    Map<String, String> names =
        ConfigKeys.all().stream()
            .collect(Collectors.toMap(ConfigKey::environmentName, ConfigKey::name));
    Map<String, Given> found = new HashMap<>();
    new TreeMap<>(environment)
        .forEach(
            (variable, text) -> {
              if (!variable.startsWith(ENVIRONMENT_PREFIX) || OTHER_VARIABLES.contains(variable)) {
                return;
              }
              String key = names.get(variable);
              if (key == null) {
                throw new IllegalArgumentException(
                    "unknown environment variable %s; %s"
                        .formatted(variable, hint(variable, names.keySet(), "%s")));
              }
              found.put(key, new Given(text, Source.ENVIRONMENT, "environment " + variable));
            });
    return found;
  }

  /** The value of a key as it was written, and where. */
  public Given given(ConfigKey<?> key) {
    Given value = given.get(key.name());
    if (value == null) {
      throw new IllegalArgumentException("no row of the table: " + key.name());
    }
    return value;
  }

  /** The value of a key. */
  <T> T get(ConfigKey<T> key) {
    Given value = given(key);
    try {
      return key.type().read(value.text());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s (from %s): expected %s but found '%s'"
              .formatted(key.name(), value.origin(), key.type().expected(), value.text()),
          e);
    }
  }

  /** Whether a value of the first key comes from a weaker source than that of the second. */
  boolean isWeaker(ConfigKey<?> key, ConfigKey<?> than) {
    return given(key).source().compareTo(given(than).source()) < 0;
  }

  /** The known word that was meant, if one is near; else where all are listed. */
  private static String hint(String word, Collection<String> known, String quoted) {
    String nearest =
        known.stream()
            .min(
                Comparator.<String>comparingInt(candidate -> distance(word, candidate))
                    .thenComparing(Comparator.naturalOrder()))
            .orElseThrow();
    return 2 * distance(word, nearest) < word.length()
        ? "did you mean " + quoted.formatted(nearest) + "?"
        : "'vidfold config' prints every key";
  }

  /** Levenshtein's distance. */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
