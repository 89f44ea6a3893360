package vidfold.video;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ffmpeg programs of the {@code org.bytedeco:ffmpeg} artifact, unpacked from the class path
 * into a cache folder.
 *
 * <p>Unpacked by hand and not through JavaCPP's loader: that one also loads the native libraries
 * into this JVM, which is what a decoder in a child process is meant to avoid. Nothing is
 * downloaded. The folder is filled aside and moved into place, so that several servers may share a
 * cache and a kill in between leaves nothing half done.
 */
final class BundledFfmpeg {
  private static final Logger log = LoggerFactory.getLogger(BundledFfmpeg.class);
  private static final String RESOURCES = "/org/bytedeco/ffmpeg/linux-x86_64/";

  /**
   * Bump when the content of the unpacked folder changes for another reason than a new version of
   * the artifact.
   */
  private static final String FOLDER = "ffmpeg-8.0.1-1.5.13-linux-x86_64-2";

  private static final List<String> PROGRAMS = List.of("ffmpeg", "ffprobe");
  private static final List<String> LIBRARIES =
      List.of(
          "libavcodec.so.62",
          "libavfilter.so.11",
          "libavformat.so.62",
          "libavutil.so.60",
          "libswresample.so.6",
          "libswscale.so.9",
          "libdrm.so.2",
          "libva.so.2",
          "libva-drm.so.2");

  private BundledFfmpeg() {}

  /**
   * The folder that holds the programs and their libraries; unpacks it (65 MB, once) when it is not
   * there or when {@code fresh} is asked for.
   */
  static Path unpack(Path cacheFolder, boolean fresh) {
    requirePlatform();
    Path target = cacheFolder.toAbsolutePath().normalize().resolve(FOLDER);
    try {
      if (fresh) {
        delete(target);
      }
      if (!Files.isDirectory(target)) {
        unpackAside(target);
      }
      return target;
    } catch (IOException e) {
      throw new IllegalStateException(
          "cannot unpack ffmpeg into " + cacheFolder + ": " + e.getMessage(), e);
    }
  }

  private static void requirePlatform() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch", "");
    if (!system.contains("linux") || !(machine.equals("amd64") || machine.equals("x86_64"))) {
      throw new IllegalStateException(
          "no bundled ffmpeg for "
              + system
              + " "
              + machine
              + ": name installed ffmpeg and ffprobe programs instead");
    }
  }

  private static void unpackAside(Path target) throws IOException {
    Path cache = Files.createDirectories(target.resolveSibling("."));
    Path aside = Files.createTempDirectory(cache, FOLDER + ".tmp");
    try {
      Files.setPosixFilePermissions(aside, PosixFilePermissions.fromString("rwxr-xr-x"));
      for (String library : LIBRARIES) {
        copy(library, aside.resolve(library));
      }
      Files.write(aside.resolve(NullDeviceLibrary.FILE_NAME), NullDeviceLibrary.bytes());
      for (String program : PROGRAMS) {
        copy(program, aside.resolve(program));
        Files.setPosixFilePermissions(
            aside.resolve(program), PosixFilePermissions.fromString("rwxr-xr-x"));
      }
      moveIntoPlace(aside, target);
    } finally {
      delete(aside);
    }
  }

  private static void copy(String name, Path target) throws IOException {
    try (InputStream in = BundledFfmpeg.class.getResourceAsStream(RESOURCES + name)) {
      if (in == null) {
        throw new IOException("the class path has no " + RESOURCES + name);
      }
      Files.copy(in, target);
    }
  }

  private static void moveIntoPlace(Path aside, Path target) throws IOException {
    try {
      Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (IOException e) {
      if (!Files.isDirectory(target)) {
        throw e;
      }
      log.debug("another process unpacked ffmpeg first");
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
