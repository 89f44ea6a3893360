package vidfold.server.video;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes of videos on disk.
 *
 * <p>{@code incoming/ID} while they arrive, {@code videos/TENANT/AA/SHA256} afterwards, AA being
 * the digest's first two digits. Nothing of a path comes from a client: ids and digests are ours,
 * and a tenant's name is checked. Thread-safe.
 */
final class VideoFiles {
  private static final Logger log = LoggerFactory.getLogger(VideoFiles.class);
  private static final Pattern TENANT = Pattern.compile("[a-z0-9][a-z0-9_-]{0,63}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  private final Path incoming;
  private final Path videos;

  VideoFiles(Path dataFolder) {
    Path folder = dataFolder.toAbsolutePath().normalize();
    this.incoming = folder.resolve("incoming");
    this.videos = folder.resolve("videos");
    try {
      PrivateFiles.createFolders(incoming);
      PrivateFiles.createFolders(videos);
    } catch (IOException e) {
      throw new UncheckedIOException("the data folder " + folder + " cannot be written", e);
    }
  }

  /** Checks the name of a tenant, which is a folder's name too. */
  static void requireTenant(String tenant) {
    if (!TENANT.matcher(tenant).matches()) {
      throw new IllegalArgumentException(
          "a tenant's name must match " + TENANT + " but was '" + tenant + "'");
    }
  }

  FileChannel openIncoming(String uploadId) throws IOException {
    return PrivateFiles.openNew(incomingPath(uploadId));
  }

  Path incomingPath(String uploadId) {
    return incoming.resolve(uploadId);
  }

  Path stored(String tenant, String sha256) {
    requireTenant(tenant);
    if (!SHA256.matcher(sha256).matches()) {
      throw new IllegalArgumentException("not a SHA-256 digest: '" + sha256 + "'");
    }
    return videos.resolve(tenant).resolve(sha256.substring(0, 2)).resolve(sha256);
  }

  /** Whether the whole of these bytes is there. */
  boolean holds(String tenant, String sha256, long bytes) {
    Path file = stored(tenant, sha256);
    try {
      return Files.isRegularFile(file) && Files.size(file) == bytes;
    } catch (IOException e) {
      log.warn("cannot read the size of {}", file, e);
      return false;
    }
  }

  /** Moves a finished, synced upload to its place; durable on return. */
  void place(String uploadId, String tenant, String sha256) throws IOException {
    Path target = stored(tenant, sha256);
    Path folder = target.resolveSibling(".").normalize();
    PrivateFiles.createFolders(folder);
    Files.move(incomingPath(uploadId), target, StandardCopyOption.ATOMIC_MOVE);
    PrivateFiles.sync(folder);
  }

  /** Bytes that uploads could still take on this disk. */
  long usableBytes() throws IOException {
    return Files.getFileStore(incoming).getUsableSpace();
  }

  void deleteStored(String tenant, String sha256) {
    delete(stored(tenant, sha256));
  }

  /** Removes a file; what cannot be removed is left for the next start. */
  void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("cannot remove {}; the next start will try again", file, e);
    }
  }

  /** What uploads left behind that did not come to their end. */
  List<Path> leftovers() {
    try (Stream<Path> files = Files.list(incoming)) {
      return files.toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + incoming, e);
    }
  }

  /** Every file in the place of stored videos. */
  List<Path> allStored() {
    try (Stream<Path> files = Files.walk(videos)) {
      return files.filter(file -> !Files.isDirectory(file)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + videos, e);
    }
  }
}
