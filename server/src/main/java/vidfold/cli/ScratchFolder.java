package vidfold.cli;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder that is removed when closed, or when the process is told to end. One whose process was
 * killed is removed by the next: it holds a lock file that nobody has locked.
 */
final class ScratchFolder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ScratchFolder.class);
  private static final int ATTEMPTS = 3;
  private static final String PREFIX = "run-";
  private static final String LOCK = ".lock";

  private final Path path;
  private final FileChannel lock;
  private final Thread hook;

  /**
   * Makes one.
   *
   * @param parent where; programs must be allowed there, since native libraries are unpacked
   */
  ScratchFolder(Path parent) throws IOException {
    Files.createDirectories(parent);
    removeLeftOvers(parent);
    this.path = Files.createTempDirectory(parent, PREFIX);
    this.lock = FileChannel.open(path.resolve(LOCK), CREATE, WRITE);
    lock.lock();
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
    remove(path);
    lock.close();
  }

  private static void removeLeftOvers(Path parent) throws IOException {
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path folder : folders) {
        try (FileChannel theirs = FileChannel.open(folder.resolve(LOCK), WRITE);
            FileLock free = theirs.tryLock()) {
          if (free != null) {
            remove(folder);
          }
        } catch (NoSuchFileException | OverlappingFileLockException inUse) {
          // Just being made, or this process's own.
        } catch (IOException e) {
          log.warn("{} is left over and cannot be removed: {}", folder, e.getMessage());
        }
      }
    }
  }

  private void removeQuietly() {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        remove(path);
        return;
      } catch (IOException e) {
        // Another thread still writes; once more.
      }
    }
  }

  private static void remove(Path path) throws IOException {
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
