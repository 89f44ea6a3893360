package vidfold.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import vidfold.merging.MergeSpec;
import vidfold.model.FrameSize;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixSpec;
import vidfold.model.PublishedDefaults;
import vidfold.model.PublishedSttm;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.server.engine.EngineStatus;
import vidfold.server.engine.Question;
import vidfold.server.session.Sessions;
import vidfold.server.video.Database;
import vidfold.server.video.Ingest;
import vidfold.server.video.LibraryConfig;
import vidfold.server.video.VideoIo;
import vidfold.server.video.VideoLibrary;
import vidfold.video.TestClips;
import vidfold.video.VideoDecoder;
import vidfold.video.VideoLimits;
import vidfold.video.VideoProbe;

/** The real server on a free port: real store, real ingest, and answers as a test wants them. */
final class TestServer implements AutoCloseable {
  static final ModelInfo MODEL =
      new ModelInfo("fake", "fake", "sha256:fake", "cpu", "f32", "stored", 4, 4096, 2, 8, 64);
  static final Question.Options DEFAULTS =
      new Question.Options(
          new PrefixSpec(MergeSpec.sttm("reference", 0.5), 2),
          new SamplingRule(2, 2, 64, true),
          SamplingParams.greedy(),
          32,
          null,
          /* reducerNamed= */ false);
  static final PublishedDefaults PUBLISHED =
      new PublishedDefaults(
          2,
          new SamplingRule(1, 64, 128, false),
          List.of(new PublishedSttm(0.5, new MergeSpec.Thresholds(.85, .55))));
  static final LibraryConfig LIMITS = new LibraryConfig(8L << 20, 0, 1L << 30);
  private static final ObjectMapper JSON = new ObjectMapper();

  final FakeAnswers answers = new FakeAnswers();
  final HttpClient client = HttpClient.newHttpClient();
  final VideoLibrary library;
  final Sessions sessions;
  final PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  final HttpServer http;
  final int port;
  volatile boolean accepting = true;
  private final Path folder;
  private final Database database;
  private final Ingest ingest;
  private final ExecutorService videoPool = Executors.newFixedThreadPool(2);
  private final ExecutorService blocking = Executors.newFixedThreadPool(4);

  TestServer(Path folder, HttpConfig config, LibraryConfig limits) {
    this.folder = folder;
    database = Database.open(folder);
    VideoIo io =
        new VideoIo(
            new VideoProbe(TestClips.shared().program(), VideoLimits.defaults()),
            new VideoDecoder(TestClips.shared().program(), VideoLimits.defaults()),
            (frames, width, height) -> new FrameSize(80, 48));
    library = new VideoLibrary(folder, database, io, limits, videoPool);
    ingest = new Ingest(library, answers);
    sessions = new Sessions(database);
    http =
        new HttpServer(
            new ServerParts(
                answers,
                this::status,
                library,
                ingest,
                sessions,
                PUBLISHED,
                DEFAULTS,
                meters,
                "1.2.3",
                blocking),
            config);
    port = http.start();
  }

  static TestServer open(Path folder) {
    return new TestServer(folder, config(), LIMITS);
  }

  /** As usual, but on any free port. */
  static HttpConfig config() {
    return new HttpConfig(
        "127.0.0.1", 0, 64, 64 << 10, Duration.ofSeconds(60), Duration.ofSeconds(20));
  }

  private EngineStatus status() {
    return new EngineStatus(MODEL, accepting, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port + path);
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri(path));
  }

  Response get(String path) throws IOException, InterruptedException {
    return send(request(path));
  }

  Response delete(String path) throws IOException, InterruptedException {
    return send(request(path).DELETE());
  }

  Response post(String path, String json) throws IOException, InterruptedException {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json)));
  }

  Response upload(String path, byte[] bytes) throws IOException, InterruptedException {
    return send(
        request(path)
            .header("Content-Type", "video/mp4")
            .POST(HttpRequest.BodyPublishers.ofByteArray(bytes)));
  }

  Response send(HttpRequest.Builder request) throws IOException, InterruptedException {
    return new Response(client.send(request.build(), HttpResponse.BodyHandlers.ofString()));
  }

  /** A response whose body is text. */
  record Response(HttpResponse<String> http) {
    int status() {
      return http.statusCode();
    }

    String header(String name) {
      return http.headers().firstValue(name).orElse("");
    }

    String text() {
      return http.body();
    }

    JsonNode json() {
      try {
        return JSON.readTree(http.body());
      } catch (IOException e) {
        throw new UncheckedIOException(http.body(), e);
      }
    }

    /** The last part of a problem's type. */
    String problem() {
      String type = json().path("type").asText();
      return type.substring(type.lastIndexOf('/') + 1);
    }
  }

  /** A video that is ready; the same one at each call. */
  String readyVideo() throws IOException, InterruptedException {
    Response uploaded = upload("/v1/videos?wait=true", clip());
    if (uploaded.status() != 201) {
      throw new AssertionError(uploaded.text());
    }
    return uploaded.json().get("id").asText();
  }

  static byte[] clip() {
    return bytes(TestClips.shared().h264Mp4());
  }

  static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files of uploads that have not ended. */
  long incomingFiles() {
    try (Stream<Path> files = Files.walk(folder.resolve("incoming"))) {
      return files.filter(Files::isRegularFile).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    http.close();
    ingest.close();
    library.close();
    videoPool.shutdownNow();
    blocking.shutdownNow();
    database.close();
  }
}
