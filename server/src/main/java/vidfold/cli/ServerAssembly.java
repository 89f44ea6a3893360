package vidfold.cli;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.model.ModelInfo;
import vidfold.model.PublishedDefaults;
import vidfold.model.VideoLlm;
import vidfold.model.VideoLlms;
import vidfold.server.config.ModelConfig;
import vidfold.server.config.ServerConfig;
import vidfold.server.config.VideoConfig;
import vidfold.server.engine.Engine;
import vidfold.server.engine.EngineConfig;
import vidfold.server.engine.Question;
import vidfold.server.http.HttpConfig;
import vidfold.server.http.HttpServer;
import vidfold.server.http.ServerParts;
import vidfold.server.session.Sessions;
import vidfold.server.video.Database;
import vidfold.server.video.Ingest;
import vidfold.server.video.VideoIo;
import vidfold.server.video.VideoLibrary;
import vidfold.torch.Torch;
import vidfold.video.FfmpegProgram;
import vidfold.video.VideoDecoder;
import vidfold.video.VideoProbe;

/**
 * All parts of a server, constructed here and nowhere else; closed in reverse order.
 *
 * <p>Every command that answers questions uses it, so what {@code ask} and {@code doctor} show is
 * what {@code serve} does.
 */
final class ServerAssembly implements AutoCloseable {
  /** Made before any thread is, since the logger's start is not for two threads at a time. */
  private static final Logger log = LoggerFactory.getLogger(ServerAssembly.class);

  private static final int BLOCKING_THREADS = 8;

  private final Deque<AutoCloseable> closing = new ArrayDeque<>();
  private final ModelInfo model;
  private final PublishedDefaults published;
  private final Question.Options defaults;
  private final PrometheusMeterRegistry meters;
  private final VideoLibrary library;
  private final Engine engine;
  private final Ingest ingest;
  private final Sessions sessions;

  /** A model and the device it is on. */
  record Loaded(Torch torch, VideoLlm llm) implements AutoCloseable {

    /** Starts PyTorch and loads the configured model. */
    static Loaded open(ModelConfig config) {
      Torch torch = Torch.start(config.torch());
      try {
        return new Loaded(torch, VideoLlms.open(folder(config), torch, config.load()));
      } catch (RuntimeException | Error e) {
        torch.close();
        throw e;
      }
    }

    static Path folder(ModelConfig config) {
      @Nullable Path folder = config.folder();
      return folder == null ? EmbeddedModel.folder() : folder;
    }

    @Override
    public void close() {
      llm.close();
      torch.close();
    }
  }

  /** What videos are read with and described in. */
  private record Storage(FfmpegProgram ffmpeg, Database database) {
    static Storage open(VideoConfig config) {
      return new Storage(ServerAssembly.ffmpeg(config), Database.open(config.dataFolder()));
    }
  }

  /**
   * Starts a server, its inference thread included; nothing listens yet.
   *
   * @throws RuntimeException naming the part that could not be started; nothing is left open then
   */
  static ServerAssembly open(ServerConfig config) {
    // The model and the storage take about as long as each other, and do not know each other.
    CompletableFuture<Storage> storage = new CompletableFuture<>();
    Thread opener = new Thread(() -> complete(storage, config.video()), "vidfold-storage-start");
    opener.start();
    Loaded loaded;
    try {
      loaded = Loaded.open(config.model());
    } catch (RuntimeException | Error e) {
      storage
          .handle(
              (opened, failure) -> {
                if (opened != null) {
                  opened.database().close();
                }
                return null;
              })
          .join();
      throw e;
    }
    return assemble(config, loaded, storage);
  }

  private static void complete(CompletableFuture<Storage> storage, VideoConfig config) {
    try {
      storage.complete(Storage.open(config));
    } catch (RuntimeException | Error e) {
      storage.completeExceptionally(e);
    }
  }

  private static ServerAssembly assemble(
      ServerConfig config, Loaded loaded, CompletableFuture<Storage> storage) {
    Deque<AutoCloseable> opened = new ArrayDeque<>();
    opened.push(loaded);
    try {
      Storage ready = storage.join();
      opened.push(ready.database());
      return new ServerAssembly(config, loaded, ready, opened);
    } catch (RuntimeException | Error e) {
      closeAll(opened);
      throw e;
    }
  }

  /** Takes what is opened; adds to it, in order, whatever is opened here. */
  private ServerAssembly(
      ServerConfig config, Loaded loaded, Storage storage, Deque<AutoCloseable> opened) {
    VideoLlm llm = loaded.llm();
    this.model = llm.info();
    this.published = PublishedDefaults.of(llm);
    this.defaults = config.answer().options(model, llm.samplingRule());
    this.meters = meters(opened);
    Gauge.builder("vidfold.native.tensors", loaded.torch(), Torch::liveTensors)
        .description("Tensors in native memory, weights included")
        .register(meters);
    this.library = library(config.video(), llm, storage, opened);
    this.engine = new Engine(llm, library, engineConfig(config, loaded.torch()), meters);
    opened.push(engine);
    this.ingest = new Ingest(library, engine);
    opened.push(ingest);
    this.sessions = new Sessions(storage.database());
    engine.start();
    closing.addAll(opened);
  }

  /** With the memory of prefixes that the device has room for, where it is not given. */
  private static EngineConfig engineConfig(ServerConfig config, Torch torch) {
    OptionalLong free = torch.freeDeviceBytes();
    if (!config.autoPrefixCache() || free.isEmpty()) {
      return config.engine();
    }
    EngineConfig sized = config.engine().onDeviceWith(free.getAsLong());
    log.info(
        "{} bytes are free on {}; prefixes may take {}",
        free.getAsLong(),
        torch.deviceName(),
        sized.prefixCacheBytes());
    return sized;
  }

  private static PrometheusMeterRegistry meters(Deque<AutoCloseable> opened) {
    PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    opened.push(meters::close);
    new JvmMemoryMetrics().bindTo(meters);
    new JvmThreadMetrics().bindTo(meters);
    new UptimeMetrics().bindTo(meters);
    return meters;
  }

  private static VideoLibrary library(
      VideoConfig config, VideoLlm llm, Storage storage, Deque<AutoCloseable> opened) {
    ExecutorService pool = pool("vidfold-video-", config.workers());
    opened.push(pool::shutdownNow);
    VideoIo io =
        new VideoIo(
            new VideoProbe(storage.ffmpeg(), config.limits()),
            new VideoDecoder(storage.ffmpeg(), config.limits()),
            llm::frameSize);
    VideoLibrary library =
        new VideoLibrary(config.dataFolder(), storage.database(), io, config.library(), pool);
    opened.push(library);
    return library;
  }

  /** The ffmpeg programs: the operator's own, or the bundled ones. */
  static FfmpegProgram ffmpeg(VideoConfig config) {
    @Nullable Path own = config.ffmpegFolder();
    return own == null
        ? FfmpegProgram.bundled(config.ffmpegCache())
        : FfmpegProgram.installed(own.resolve("ffmpeg"), own.resolve("ffprobe"));
  }

  private static ExecutorService pool(String name, int threads) {
    AtomicInteger number = new AtomicInteger();
    return Executors.newFixedThreadPool(
        threads,
        task -> {
          Thread thread = new Thread(task, name + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  /**
   * Takes up what the last run left unfinished, and listens.
   *
   * @return the port
   */
  int listen(HttpConfig config) {
    int unfinished = ingest.resume(defaults);
    if (unfinished > 0) {
      log.info("going on with {} videos that were not ready at the last stop", unfinished);
    }
    ExecutorService blocking = pool("vidfold-blocking-", BLOCKING_THREADS);
    closing.push(blocking::shutdownNow);
    HttpServer http =
        new HttpServer(
            new ServerParts(
                engine,
                engine::status,
                library,
                ingest,
                sessions,
                published,
                defaults,
                meters,
                Version.current(),
                blocking),
            config);
    closing.push(http);
    return http.start();
  }

  ModelInfo model() {
    return model;
  }

  /** How questions are answered unless they say otherwise. */
  Question.Options defaults() {
    return defaults;
  }

  Engine engine() {
    return engine;
  }

  VideoLibrary library() {
    return library;
  }

  @Override
  public void close() {
    closeAll(closing);
  }

  private static void closeAll(Deque<AutoCloseable> parts) {
    RuntimeException failure = null;
    while (!parts.isEmpty()) {
      try {
        parts.pop().close();
      } catch (Exception e) {
        if (failure == null) {
          failure = new IllegalStateException("a part of the server did not close", e);
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
