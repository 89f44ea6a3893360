package vidfold.server.video;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import vidfold.model.FrameSize;
import vidfold.video.TestClips;
import vidfold.video.VideoDecoder;
import vidfold.video.VideoLimits;
import vidfold.video.VideoProbe;

/** An open store in a test's folder: database, library and video pool. */
public final class Store implements AutoCloseable {
  static final LibraryConfig LIMITS = new LibraryConfig(64L << 20, 0, 1L << 30);

  final Path folder;
  public final Database database;
  final VideoDecoder decoder;
  public final VideoLibrary library;
  private final ExecutorService pool = Executors.newFixedThreadPool(2);

  private Store(Path folder, LibraryConfig limits, FrameSizing sizing) {
    this.folder = folder;
    this.database = Database.open(folder);
    VideoLimits videoLimits = VideoLimits.defaults();
    this.decoder = new VideoDecoder(TestClips.shared().program(), videoLimits);
    VideoProbe probe = new VideoProbe(TestClips.shared().program(), videoLimits);
    this.library =
        new VideoLibrary(folder, database, new VideoIo(probe, decoder, sizing), limits, pool);
  }

  public static Store open(Path folder) {
    return open(folder, LIMITS);
  }

  static Store open(Path folder, LibraryConfig limits) {
    return new Store(folder, limits, (frames, width, height) -> new FrameSize(80, 48));
  }

  static Store open(Path folder, FrameSizing sizing) {
    return new Store(folder, LIMITS, sizing);
  }

  /** Uploads bytes in pieces, as a server would. */
  public VideoRecord upload(String tenant, byte[] bytes) {
    return upload(library, tenant, bytes);
  }

  static VideoRecord upload(VideoLibrary library, String tenant, byte[] bytes) {
    Upload upload = library.begin(tenant, "clip.mp4", bytes.length);
    for (int at = 0; at < bytes.length; at += 10_000) {
      upload.write(ByteBuffer.wrap(bytes, at, Math.min(10_000, bytes.length - at))).join();
    }
    return upload.finish().join();
  }

  public VideoRecord upload(Path clip) {
    return upload("default", bytesOf(clip));
  }

  Path file(VideoRecord video) {
    return folder
        .resolve("videos")
        .resolve(video.tenant())
        .resolve(video.sha256().substring(0, 2))
        .resolve(video.sha256());
  }

  static byte[] bytesOf(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes that are no video, the same for the same seed. */
  public static byte[] noise(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  /** Regular files below a folder of the store. */
  List<Path> filesIn(String name) {
    try (Stream<Path> files = Files.walk(folder.resolve(name))) {
      return files.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files below the store that this process holds open. */
  static List<String> openFiles(Path folder) {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors
          .map(Store::target)
          .filter(target -> target.startsWith(folder.toString()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      return "";
    }
  }

  /** The failure of a future, wrappers off. */
  static Throwable failureOf(CompletableFuture<?> future) {
    return Failures.unwrap(
        future
            .handle((value, failure) -> failure == null ? new AssertionError("done") : failure)
            .join());
  }

  @Override
  public void close() {
    library.close();
    pool.shutdownNow();
    database.close();
  }
}
