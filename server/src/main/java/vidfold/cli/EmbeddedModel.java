package vidfold.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the distribution keeps the model that it comes with. */
final class EmbeddedModel {
  /** Set by the start script: the folder of the distribution. */
  private static final String HOME_PROPERTY = "vidfold.home";

  private EmbeddedModel() {}

  /**
   * Its checkpoint folder.
   *
   * @throws IllegalStateException when this is no distribution, or one without the model
   */
  static Path folder() {
    String home = System.getProperty(HOME_PROPERTY);
    if (home == null) {
      throw new IllegalStateException(
          "the embedded model comes with the distribution; name another one with --model DIR");
    }
    Path folder = Path.of(home, "models", "demo");
    if (!Files.isDirectory(folder)) {
      throw new IllegalStateException(
          "there is no embedded model in " + folder + "; name another one with --model DIR");
    }
    return folder;
  }
}
