package vidfold.server.config;

import java.util.Locale;

/**
 * One row of the table of keys.
 *
 * @param name dotted, lower case, words of a part joined by hyphens: {@code http.idle-timeout}
 * @param type what its values are
 * @param defaultText the default as an operator would write it
 * @param description one sentence without a full stop
 */
public record ConfigKey<T>(String name, ValueType<T> type, String defaultText, String description) {

  /** The environment variable that sets it, {@code VIDFOLD_HTTP_IDLE_TIMEOUT}. */
  public String environmentName() {
    return Settings.ENVIRONMENT_PREFIX
        + name.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }
}
