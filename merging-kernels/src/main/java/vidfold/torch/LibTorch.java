package vidfold.torch;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The libtorch that is loaded: the folder that {@code PYTORCH_LIBRARY_PATH} names, else the one
 * that {@code vidfold fetch-natives} made, else the bundled build for the CPU.
 *
 * <p>The JNI code belongs to one version of libtorch and brings the process down with any other, so
 * the version is read from files before anything is loaded.
 *
 * @param folder where its libraries are, or null for the bundled one
 * @param cuda whether it is a build for CUDA
 */
public record LibTorch(@Nullable Path folder, boolean cuda) {

  /** The version that the JNI code belongs to. */
  public static final String VERSION = "2.7.1";

  /** What {@code fetch-natives} fetches; DJL's name for builds with CUDA 12.8. */
  public static final String CUDA_FLAVOR = "cu128";

  private static final String PATH = "PYTORCH_LIBRARY_PATH";
  private static final String FLAVOR = "PYTORCH_FLAVOR";
  private static final String VERSION_NAME = "PYTORCH_VERSION";
  private static final String LIBRARY = "libtorch.so";
  private static final String CPU_LIBRARY = "libtorch_cpu.so";
  private static final String CUDA_LIBRARY = "libtorch_cuda.so";
  private static final Pattern WHEEL_VERSION =
      Pattern.compile("^__version__ *= *['\"]([^'\"]+)['\"]", Pattern.MULTILINE);

  /** Where {@code fetch-natives} puts what it fetched, and where it is looked for. */
  public static Path fetchedFolder(Map<String, String> environment) {
    String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
    Path root =
        cache.isBlank() ? Path.of(System.getProperty("user.home", "."), ".cache") : Path.of(cache);
    return root.resolve("vidfold").resolve("libtorch-" + VERSION + "-" + CUDA_FLAVOR);
  }

  /**
   * Finds the libtorch for a device.
   *
   * @param fetched where {@code fetch-natives} puts its folders; need not be there
   * @param device {@code auto}, {@code cpu} or {@code cuda:N}
   * @throws IllegalArgumentException naming what was found and what was expected, if it cannot be
   *     used or is not for this device
   */
  static LibTorch choose(Map<String, String> environment, Path fetched, String device) {
    requireUnset(environment, VERSION_NAME, VERSION);
    String given = environment.getOrDefault(PATH, System.getProperty(PATH, ""));
    Path lib = fetched.resolve("torch/lib");
    LibTorch found = new LibTorch(null, false);
    if (!given.isBlank()) {
      found = in(folderOf(given));
    } else if (!device.equals("cpu") && Files.isRegularFile(lib.resolve(LIBRARY))) {
      found = in(lib);
    }
    if (device.startsWith("cuda") && !found.cuda()) {
      throw new IllegalArgumentException(
          "device %s was asked for but libtorch is %s; expected %s to name the lib folder of torch %s with CUDA, or 'vidfold fetch-natives %s'"
              .formatted(device, found.describe(), PATH, VERSION, CUDA_FLAVOR));
    }
    if (found.folder() != null) {
      requireUnset(environment, FLAVOR, found.flavor());
    }
    return found;
  }

  /** Tells DJL, which reads system properties, of a libtorch that is not the bundled one. */
  void select() {
    if (folder != null) {
      System.setProperty(PATH, folder.toString());
      System.setProperty(FLAVOR, flavor());
      System.setProperty(VERSION_NAME, VERSION);
    }
  }

  /** Its kind and its folder, for messages. */
  String describe() {
    String build = cuda ? "a build with CUDA" : "a build for the CPU";
    return folder == null ? "the bundled build for the CPU" : build + " in " + folder;
  }

  private String flavor() {
    return cuda ? CUDA_FLAVOR : "cpu";
  }

  private static LibTorch in(Path folder) {
    String version = version(folder);
    if (!version.equals(VERSION)) {
      throw new IllegalArgumentException(
          "libtorch in %s: expected version %s but found %s".formatted(folder, VERSION, version));
    }
    return new LibTorch(folder, Files.isRegularFile(folder.resolve(CUDA_LIBRARY)));
  }

  private static Path folderOf(String given) {
    for (String entry : given.split(File.pathSeparator)) {
      Path path = Path.of(entry).toAbsolutePath().normalize();
      if (Files.isRegularFile(path.resolve(LIBRARY))) {
        return path;
      }
    }
    throw new IllegalArgumentException(
        "%s: expected a folder with %s but found %s".formatted(PATH, LIBRARY, given));
  }

  /**
   * The version without its build: from {@code version.py} of a wheel or {@code build-version} of a
   * distribution, both one folder up, else from the library itself.
   */
  private static String version(Path folder) {
    try {
      Path wheel = folder.resolveSibling("version.py");
      if (Files.isRegularFile(wheel)) {
        Matcher matcher = WHEEL_VERSION.matcher(Files.readString(wheel));
        return matcher.find() ? release(matcher.group(1)) : "none in " + wheel;
      }
      Path distribution = folder.resolveSibling("build-version");
      if (Files.isRegularFile(distribution)) {
        return release(Files.readString(distribution));
      }
      return holds(folder.resolve(CPU_LIBRARY), VERSION)
          ? VERSION
          : "another one (" + CPU_LIBRARY + " does not say " + VERSION + ")";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String release(String version) {
    return version.strip().replaceFirst("\\+.*", "");
  }

  /** Whether a library holds a version as a string of its own. */
  private static boolean holds(Path library, String version) throws IOException {
    byte[] wanted = ("\0" + version + "\0").getBytes(StandardCharsets.ISO_8859_1);
    try (FileChannel channel = FileChannel.open(library)) {
      long size = Math.min(channel.size(), Integer.MAX_VALUE);
      MappedByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
      int matched = 0;
      for (int i = 0; i < size; i++) {
        byte b = bytes.get(i);
        matched = b == wanted[matched] ? matched + 1 : b == 0 ? 1 : 0;
        if (matched == wanted.length) {
          return true;
        }
      }
      return false;
    }
  }

  private static void requireUnset(Map<String, String> environment, String name, String wanted) {
    String found = environment.getOrDefault(name, wanted);
    if (!found.equals(wanted)) {
      throw new IllegalArgumentException(
          "%s: expected %s or nothing but found '%s'".formatted(name, wanted, found));
    }
  }
}
