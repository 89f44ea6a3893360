package vidfold.video;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ffmpeg and ffprobe programs of this machine, started once to prove that they run.
 *
 * <p>Immutable and shared by all threads. Children are started with an argument list (no shell), an
 * emptied environment and, where util-linux {@code prlimit} is installed, under an address space
 * limit, without core files and without the right to write a single byte to a file. Where {@code
 * prlimit} is missing, only ffmpeg's own limit of one allocation ({@code -max_alloc}) and the wall
 * clock hold, and {@link #limitsMemory()} says so.
 */
public final class FfmpegProgram {
  private static final Logger log = LoggerFactory.getLogger(FfmpegProgram.class);
  private static final Duration START_LIMIT = Duration.ofSeconds(30);

  private final Path ffmpeg;
  private final Path ffprobe;
  private final Map<String, String> environment;
  private final @Nullable Path prlimit;
  private final String version;

  private FfmpegProgram(Path ffmpeg, Path ffprobe, @Nullable Path libraries) {
    this.ffmpeg = ffmpeg;
    this.ffprobe = ffprobe;
    this.environment = environment(libraries);
    this.prlimit = findPrlimit();
    this.version = readVersion(ffmpeg);
    readVersion(ffprobe);
  }

  /**
   * The bundled programs, unpacked below {@code cacheFolder} at the first start; a damaged copy is
   * unpacked again.
   *
   * @throws IllegalStateException when the folder cannot be written or programs in it cannot be
   *     executed, or when there is no bundled program for this platform
   */
  public static FfmpegProgram bundled(Path cacheFolder) {
    Path folder = BundledFfmpeg.unpack(cacheFolder, false);
    try {
      return inFolder(folder);
    } catch (IllegalStateException damaged) {
      log.warn("the unpacked ffmpeg does not run ({}), unpacking it again", damaged.getMessage());
      return inFolder(BundledFfmpeg.unpack(cacheFolder, true));
    }
  }

  /**
   * The folder in which programs are unpacked when the operator names none: {@code
   * $XDG_CACHE_HOME/vidfold}, or {@code .cache/vidfold} in the home folder.
   */
  public static Path defaultCacheFolder() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path base =
        cache != null && !cache.isBlank()
            ? Path.of(cache)
            : Path.of(System.getProperty("user.home", "."), ".cache");
    return base.resolve("vidfold");
  }

  /**
   * Programs that the operator installed.
   *
   * @throws IllegalStateException when one of them cannot be started
   */
  public static FfmpegProgram installed(Path ffmpeg, Path ffprobe) {
    return new FfmpegProgram(ffmpeg.toAbsolutePath(), ffprobe.toAbsolutePath(), null);
  }

  private static FfmpegProgram inFolder(Path folder) {
    return new FfmpegProgram(folder.resolve("ffmpeg"), folder.resolve("ffprobe"), folder);
  }

  /** The version as the program states it, for example {@code 8.0.1}. */
  public String version() {
    return version;
  }

  /** Whether the memory of children is limited by the operating system. */
  public boolean limitsMemory() {
    return prlimit != null;
  }

  Path ffmpeg() {
    return ffmpeg;
  }

  /** The whole environment of a child. */
  Map<String, String> environment() {
    return environment;
  }

  /**
   * The command line of ffmpeg with the given arguments, under the limits of the operating system.
   */
  List<String> ffmpegCommand(VideoLimits limits, List<String> arguments) {
    return command(ffmpeg, limits, arguments);
  }

  /**
   * The command line of ffprobe with the given arguments, under the limits of the operating system.
   */
  List<String> ffprobeCommand(VideoLimits limits, List<String> arguments) {
    return command(ffprobe, limits, arguments);
  }

  private List<String> command(Path program, VideoLimits limits, List<String> arguments) {
    List<String> command = new ArrayList<>();
    if (prlimit != null) {
      command.add(prlimit.toString());
      command.add("--as=" + limits.childMemoryBytes());
      command.add("--core=0");
      command.add("--fsize=0");
      command.add("--");
    }
    command.add(program.toString());
    command.addAll(arguments);
    return List.copyOf(command);
  }

  private String readVersion(Path program) {
    List<String> command = List.of(program.toString(), "-hide_banner", "-version");
    try (ChildProcess child =
        ChildProcess.start(command, environment, START_LIMIT, new Cancellation())) {
      String text = child.readAll(64 * 1024);
      int exit = child.awaitExit();
      String[] words = text.split("\\s+", 4);
      if (exit != 0 || words.length < 3 || !words[1].equals("version")) {
        throw new IllegalStateException(
            program
                + " does not start (exit code "
                + exit
                + "): "
                + String.join(" | ", child.lastLines()));
      }
      return words[2];
    } catch (VideoException e) {
      throw new IllegalStateException(program + " does not start: " + e.getMessage(), e);
    }
  }

  private static Map<String, String> environment(@Nullable Path libraries) {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("LC_ALL", "C");
    environment.put("AV_LOG_FORCE_NOCOLOR", "1");
    if (libraries != null) {
      environment.put("LD_LIBRARY_PATH", libraries.toString());
    }
    return Map.copyOf(environment);
  }

  private static @Nullable Path findPrlimit() {
    for (String folder : List.of("/usr/bin", "/bin")) {
      Path program = Path.of(folder, "prlimit");
      if (Files.isExecutable(program)) {
        return program;
      }
    }
    log.warn("no prlimit program: the memory of ffmpeg is not limited by the operating system");
    return null;
  }
}
