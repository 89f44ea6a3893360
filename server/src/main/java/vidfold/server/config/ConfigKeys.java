package vidfold.server.config;

import static vidfold.server.config.ValueType.cosine;
import static vidfold.server.config.ValueType.decimal;
import static vidfold.server.config.ValueType.duration;
import static vidfold.server.config.ValueType.integer;
import static vidfold.server.config.ValueType.matching;
import static vidfold.server.config.ValueType.oneOf;
import static vidfold.server.config.ValueType.path;
import static vidfold.server.config.ValueType.size;
import static vidfold.server.config.ValueType.text;
import static vidfold.server.config.ValueType.whole;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import vidfold.merging.MergeSpec;
import vidfold.model.QuestionReduction;
import vidfold.model.WeightFormat;
import vidfold.torch.TorchConfig;

/** The table of keys. */
public final class ConfigKeys {
  private static final int ANY = Integer.MAX_VALUE;

  static final ConfigKey<String> HTTP_HOST =
      key("http.host", text(), "127.0.0.1", "Address to listen on; 0.0.0.0 is every one");
  static final ConfigKey<Integer> HTTP_PORT =
      key("http.port", integer(0, 65535), "8000", "Port to listen on; 0 is any free one");
  static final ConfigKey<Integer> HTTP_MAX_CONNECTIONS =
      key("http.max-connections", integer(1, ANY), "1024", "The most open connections");
  static final ConfigKey<Long> HTTP_MAX_JSON =
      key("http.max-json", size(1024, ANY), "1MiB", "The largest JSON body");
  static final ConfigKey<Duration> HTTP_IDLE_TIMEOUT =
      key(
          "http.idle-timeout",
          duration(false),
          "60s",
          "Closes a connection on which nothing moves");
  static final ConfigKey<Duration> HTTP_DRAIN_GRACE =
      key(
          "http.drain-grace",
          duration(true),
          "30s",
          "Time that open requests have to end at a stop");

  static final ConfigKey<Path> DATA_FOLDER =
      key("data.folder", path(), "~/.local/share/vidfold", "Stored videos, sessions and metadata");

  static final ConfigKey<Optional<Path>> MODEL_PATH =
      key("model.path", path().or("demo"), "demo", "Checkpoint folder; demo is the embedded model");
  static final ConfigKey<String> MODEL_DEVICE =
      key(
          "model.device",
          matching("auto, cpu, cuda:N or cuda:N,cuda:M", TorchConfig.DEVICES),
          "auto",
          "Devices; auto is the GPUs, the first alone where it is large enough, else the CPU");
  static final ConfigKey<String> MODEL_DTYPE =
      key(
          "model.dtype",
          oneOf(List.of("auto", "f32", "bf16")),
          "auto",
          "Type of weights; auto is bf16 where the device has it, else f32");
  static final ConfigKey<String> MODEL_WEIGHTS =
      key(
          "model.weights",
          oneOf(WeightFormat.labels()),
          "stored",
          "How linear layers are kept; int8 takes half the memory of bf16, in bf16 only");
  static final ConfigKey<Integer> MODEL_THREADS =
      key("model.threads", integer(0, 4096), "0", "CPU threads of the model; 0 is one a core");

  static final ConfigKey<String> ANSWER_REDUCER =
      key(
          "answer.reducer",
          oneOf(MergeSpec.REDUCERS),
          "sttm",
          "How visual tokens are merged; where nothing is said, ustc at a retention of at most 0.1");
  static final ConfigKey<String> ANSWER_MODE =
      key(
          "answer.mode",
          oneOf(List.of("reference", "strict")),
          "reference",
          "As the published code does it, or with its flaws mended");
  static final ConfigKey<Optional<Double>> ANSWER_RETENTION =
      key(
          "answer.retention",
          decimal(0, true, 1).or("auto"),
          "0.5",
          "Share of visual tokens to keep; auto is the least that loses little of a video");
  static final ConfigKey<Optional<Double>> ANSWER_SPATIAL =
      key(
          "answer.spatial-threshold",
          cosine().or("none"),
          "none",
          "Cosine that splits a quadtree node; instead of retention, with the temporal one");
  static final ConfigKey<Optional<Double>> ANSWER_TEMPORAL =
      key(
          "answer.temporal-threshold",
          cosine().or("none"),
          "none",
          "Cosine that joins boxes of consecutive frames; with the spatial one");
  static final ConfigKey<Optional<Integer>> ANSWER_MERGE_LAYER =
      key(
          "answer.merge-layer",
          integer(0, 1000).or("model"),
          "model",
          "Decoder layer before which tokens are merged; model is the model's own choice");
  static final ConfigKey<Optional<String>> QUESTION_REDUCER =
      key(
          "answer.question-reducer",
          oneOf(QuestionReduction.REDUCERS).or("none"),
          "none",
          "How a question alone sees fewer tokens than the cached prefix holds");
  static final ConfigKey<Optional<Double>> QUESTION_RETENTION =
      key(
          "answer.question-retention",
          decimal(0, true, 1).or("reducer"),
          "reducer",
          "Share of them that it sees; reducer is that of the reducer's paper");
  static final ConfigKey<Optional<Integer>> QUESTION_LAYER =
      key(
          "answer.question-layer",
          integer(1, 1000).or("reducer"),
          "reducer",
          "Decoder layer from which on it does; reducer is that of the reducer's paper");
  static final ConfigKey<Optional<Double>> ANSWER_FPS =
      key("answer.fps", decimal(0, true, 240).or("model"), "model", "Frames sampled a second");
  static final ConfigKey<Optional<Integer>> ANSWER_MIN_FRAMES =
      key("answer.min-frames", integer(1, ANY).or("model"), "model", "The fewest frames sampled");
  static final ConfigKey<Optional<Integer>> ANSWER_MAX_FRAMES =
      key("answer.max-frames", integer(1, ANY).or("model"), "model", "The most frames sampled");
  static final ConfigKey<Integer> ANSWER_MAX_TOKENS =
      key("answer.max-tokens", integer(1, ANY), "256", "The most tokens of an answer");
  static final ConfigKey<Double> ANSWER_TEMPERATURE =
      key("answer.temperature", decimal(0, false, 2), "0", "0 takes the most likely token");
  static final ConfigKey<Double> ANSWER_TOP_P =
      key(
          "answer.top-p",
          decimal(0, true, 1),
          "1",
          "Samples from the tokens that reach this share");
  static final ConfigKey<Integer> ANSWER_TOP_K =
      key("answer.top-k", integer(0, ANY), "0", "Samples from so many tokens; 0 is all");
  static final ConfigKey<Double> ANSWER_REPETITION_PENALTY =
      key(
          "answer.repetition-penalty",
          decimal(0.1, false, 10),
          "1",
          "Above 1 makes tokens less likely that were there before");
  static final ConfigKey<Long> ANSWER_SEED =
      key("answer.seed", whole(Long.MIN_VALUE, Long.MAX_VALUE), "0", "Seed of sampling");
  static final ConfigKey<Integer> ANSWER_LOGPROBS =
      key("answer.logprobs", integer(0, 20), "0", "Alternatives reported for each token");

  static final ConfigKey<Integer> ENGINE_QUEUE =
      key("engine.queue-limit", integer(1, ANY), "64", "Questions and uploads that may wait");
  static final ConfigKey<Integer> ENGINE_RUNNING =
      key("engine.max-running", integer(1, ANY), "8", "Questions answered at a time");
  static final ConfigKey<Integer> ENGINE_BUILDS =
      key("engine.max-builds", integer(1, ANY), "3", "Videos read or encoded at a time");
  static final ConfigKey<Optional<Long>> ENGINE_PREFIX_CACHE =
      key(
          "engine.prefix-cache",
          size(0, Long.MAX_VALUE).or("auto"),
          "auto",
          "Memory of cached KV prefixes; auto is most of what a GPU has free, and 2GiB on a CPU");
  static final ConfigKey<Long> ENGINE_VISUAL_CACHE =
      key(
          "engine.visual-cache",
          size(0, Long.MAX_VALUE),
          "512MiB",
          "Memory of visual tokens kept for further variants of a video");
  static final ConfigKey<Long> ENGINE_CONVERSATIONS =
      key(
          "engine.conversations",
          size(0, Long.MAX_VALUE),
          "512MiB",
          "Memory of session KV kept between turns");
  static final ConfigKey<Long> ENGINE_DECODING =
      key(
          "engine.decoding",
          size(1, Long.MAX_VALUE),
          "1GiB",
          "KV memory of the questions that run");
  static final ConfigKey<Integer> ENGINE_HEADROOM =
      key(
          "engine.conversation-headroom",
          integer(0, ANY),
          "1024",
          "Tokens that a session may grow by before its KV is rebuilt");
  static final ConfigKey<Duration> ENGINE_DRAIN_GRACE =
      key(
          "engine.drain-grace",
          duration(true),
          "30s",
          "Time that accepted questions have at a stop");

  static final ConfigKey<Long> VIDEO_MAX_BYTES =
      key("video.max-bytes", size(1, Long.MAX_VALUE), "4GiB", "The largest video file");
  static final ConfigKey<Long> VIDEO_DISK_FLOOR =
      key(
          "video.free-disk-floor",
          size(0, Long.MAX_VALUE),
          "1GiB",
          "Disk space that uploads leave free");
  static final ConfigKey<Long> VIDEO_FRAME_BYTES =
      key(
          "video.max-frame-bytes",
          size(1, Long.MAX_VALUE),
          "2GiB",
          "Memory that the frames of one video may take");
  static final ConfigKey<Duration> VIDEO_MAX_DURATION =
      key("video.max-duration", duration(false), "3h", "The longest video");
  static final ConfigKey<Long> VIDEO_MAX_PIXELS =
      key("video.max-pixels", whole(1, ANY), "35389440", "Width times height of a frame");
  static final ConfigKey<Integer> VIDEO_MAX_WALKED =
      key("video.max-walked-frames", integer(1, ANY), "1300000", "Frames in a file");
  static final ConfigKey<Integer> VIDEO_MAX_SAMPLED =
      key("video.max-sampled-frames", integer(1, ANY), "768", "Frames that one variant may use");
  static final ConfigKey<Duration> VIDEO_WALL_CLOCK =
      key("video.wall-clock", duration(false), "10m", "Time that one ffmpeg process may take");
  static final ConfigKey<Long> VIDEO_CHILD_MEMORY =
      key(
          "video.child-memory",
          size(1, Long.MAX_VALUE),
          "3GiB",
          "Address space of an ffmpeg process");
  static final ConfigKey<Integer> VIDEO_WORKERS =
      key("video.workers", integer(1, 256), "2", "ffmpeg processes at a time");
  static final ConfigKey<Optional<Path>> FFMPEG_FOLDER =
      key(
          "ffmpeg.folder",
          path().or("bundled"),
          "bundled",
          "Folder with ffmpeg and ffprobe programs to use instead of the bundled ones");
  static final ConfigKey<Optional<Path>> FFMPEG_CACHE =
      key(
          "ffmpeg.cache",
          path().or("auto"),
          "auto",
          "Where programs are unpacked; auto is vidfold in $XDG_CACHE_HOME, else in ~/.cache");

  private static final List<ConfigKey<?>> ALL =
      List.of(
          HTTP_HOST,
          HTTP_PORT,
          HTTP_MAX_CONNECTIONS,
          HTTP_MAX_JSON,
          HTTP_IDLE_TIMEOUT,
          HTTP_DRAIN_GRACE,
          DATA_FOLDER,
          MODEL_PATH,
          MODEL_DEVICE,
          MODEL_DTYPE,
          MODEL_WEIGHTS,
          MODEL_THREADS,
          ANSWER_REDUCER,
          ANSWER_MODE,
          ANSWER_RETENTION,
          ANSWER_SPATIAL,
          ANSWER_TEMPORAL,
          ANSWER_MERGE_LAYER,
          QUESTION_REDUCER,
          QUESTION_RETENTION,
          QUESTION_LAYER,
          ANSWER_FPS,
          ANSWER_MIN_FRAMES,
          ANSWER_MAX_FRAMES,
          ANSWER_MAX_TOKENS,
          ANSWER_TEMPERATURE,
          ANSWER_TOP_P,
          ANSWER_TOP_K,
          ANSWER_REPETITION_PENALTY,
          ANSWER_SEED,
          ANSWER_LOGPROBS,
          ENGINE_QUEUE,
          ENGINE_RUNNING,
          ENGINE_BUILDS,
          ENGINE_PREFIX_CACHE,
          ENGINE_VISUAL_CACHE,
          ENGINE_CONVERSATIONS,
          ENGINE_DECODING,
          ENGINE_HEADROOM,
          ENGINE_DRAIN_GRACE,
          VIDEO_MAX_BYTES,
          VIDEO_DISK_FLOOR,
          VIDEO_FRAME_BYTES,
          VIDEO_MAX_DURATION,
          VIDEO_MAX_PIXELS,
          VIDEO_MAX_WALKED,
          VIDEO_MAX_SAMPLED,
          VIDEO_WALL_CLOCK,
          VIDEO_CHILD_MEMORY,
          VIDEO_WORKERS,
          FFMPEG_FOLDER,
          FFMPEG_CACHE);

  private ConfigKeys() {}

  /** Every key, in the order of the table. */
  public static List<ConfigKey<?>> all() {
    return ALL;
  }

  /** The key of this name. */
  public static Optional<ConfigKey<?>> find(String name) {
    return ALL.stream().<ConfigKey<?>>map(key -> key).filter(k -> k.name().equals(name)).findAny();
  }

  /** The table in Markdown, a row a key. */
  public static String markdown() {
    StringBuilder table =
        new StringBuilder("| key | value | default | what it is |\n|---|---|---|---|\n");
    for (ConfigKey<?> key : ALL) {
      table.append(
          "| `%s` | %s | `%s` | %s |\n"
              .formatted(key.name(), key.type().label(), key.defaultText(), key.description()));
    }
    return table.toString();
  }

  private static <T> ConfigKey<T> key(
      String name, ValueType<T> type, String defaultText, String description) {
    return new ConfigKey<>(name, type, defaultText, description);
  }
}
