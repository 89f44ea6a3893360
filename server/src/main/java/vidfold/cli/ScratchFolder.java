package vidfold.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A folder that is removed when closed, or when the process is told to end. */
final class ScratchFolder implements AutoCloseable {
  private static final int ATTEMPTS = 3;

  private final Path path;
  private final Thread hook;

  /**
   * Makes one.
   *
   * @param parent where; programs must be allowed there, since native libraries are unpacked
   */
  ScratchFolder(Path parent) throws IOException {
    Files.createDirectories(parent);
    this.path = Files.createTempDirectory(parent, "run-");
    this.hook = new Thread(this::removeQuietly, "vidfold-scratch");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException stopping) {
      // The hook is at work; removing twice does no harm.
    }
    remove();
  }

  private void removeQuietly() {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        remove();
        return;
      } catch (IOException e) {
        // Another thread still writes; once more.
      }
    }
  }

  private void remove() throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(path)) {
      files = walk.sorted(Comparator.reverseOrder()).toList();
    } catch (NoSuchFileException gone) {
      return;
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }
}
