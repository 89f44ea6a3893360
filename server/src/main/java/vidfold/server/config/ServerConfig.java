package vidfold.server.config;

import static vidfold.server.config.ConfigKeys.*;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergeSpec.Thresholds;
import vidfold.model.LoadOptions;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.WeightFormat;
import vidfold.server.engine.EngineConfig;
import vidfold.server.http.HttpConfig;
import vidfold.server.video.LibraryConfig;
import vidfold.torch.TorchConfig;
import vidfold.video.FfmpegProgram;
import vidfold.video.VideoLimits;

/**
 * The whole configuration, a record for each part.
 *
 * @param autoPrefixCache whether the memory of cached prefixes follows from what the device has
 *     free
 */
public record ServerConfig(
    HttpConfig http,
    ModelConfig model,
    VideoConfig video,
    EngineConfig engine,
    AnswerConfig answer,
    boolean autoPrefixCache) {

  /**
   * The configuration that these settings describe.
   *
   * @throws IllegalArgumentException when values do not go together
   */
  public static ServerConfig of(Settings settings) {
    return new ServerConfig(
        http(settings),
        model(settings),
        video(settings),
        engine(settings),
        answer(settings),
        settings.get(ENGINE_PREFIX_CACHE).isEmpty());
  }

  /** The same for a command that keeps nothing. */
  public ServerConfig inTemporaryFolder(Path folder) {
    return new ServerConfig(
        http, model, video.inTemporaryFolder(folder), engine, answer, autoPrefixCache);
  }

  private static HttpConfig http(Settings settings) {
    return new HttpConfig(
        settings.get(HTTP_HOST),
        settings.get(HTTP_PORT),
        settings.get(HTTP_MAX_CONNECTIONS),
        Math.toIntExact(settings.get(HTTP_MAX_JSON)),
        settings.get(HTTP_IDLE_TIMEOUT),
        settings.get(HTTP_DRAIN_GRACE));
  }

  private static ModelConfig model(Settings settings) {
    return new ModelConfig(
        settings.get(MODEL_PATH).orElse(null),
        new TorchConfig(
            settings.get(MODEL_DEVICE), settings.get(MODEL_DTYPE), settings.get(MODEL_THREADS)),
        new LoadOptions(WeightFormat.of(settings.get(MODEL_WEIGHTS)), kvBytes(engine(settings))));
  }

  /** What KV may take in all; a sum beyond all memory is as good as the most there is. */
  private static long kvBytes(EngineConfig engine) {
    return LongStream.of(
            engine.prefixCacheBytes(), engine.conversationBytes(), engine.decodingBytes())
        .reduce(0, (a, b) -> a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b);
  }

  private static VideoConfig video(Settings settings) {
    long maxBytes = settings.get(VIDEO_MAX_BYTES);
    return new VideoConfig(
        settings.get(DATA_FOLDER),
        new LibraryConfig(
            maxBytes, settings.get(VIDEO_DISK_FLOOR), settings.get(VIDEO_FRAME_BYTES)),
        new VideoLimits(
            maxBytes,
            settings.get(VIDEO_MAX_DURATION),
            settings.get(VIDEO_MAX_PIXELS),
            settings.get(VIDEO_MAX_WALKED),
            settings.get(VIDEO_MAX_SAMPLED),
            settings.get(VIDEO_WALL_CLOCK),
            settings.get(VIDEO_CHILD_MEMORY)),
        settings.get(VIDEO_WORKERS),
        settings.get(FFMPEG_FOLDER).orElse(null),
        settings.get(FFMPEG_CACHE).orElseGet(FfmpegProgram::defaultCacheFolder));
  }

  private static EngineConfig engine(Settings settings) {
    return new EngineConfig(
        settings.get(ENGINE_QUEUE),
        settings.get(ENGINE_RUNNING),
        settings.get(ENGINE_BUILDS),
        settings.get(ENGINE_PREFIX_CACHE).orElse(EngineConfig.defaults().prefixCacheBytes()),
        settings.get(ENGINE_VISUAL_CACHE),
        settings.get(ENGINE_CONVERSATIONS),
        settings.get(ENGINE_DECODING),
        settings.get(ENGINE_HEADROOM),
        settings.get(ENGINE_DRAIN_GRACE));
  }

  private static AnswerConfig answer(Settings settings) {
    return new AnswerConfig(
        merge(settings),
        reducerNamed(settings),
        settings.get(ANSWER_MERGE_LAYER).orElse(null),
        new AnswerConfig.Frames(
            settings.get(ANSWER_FPS).orElse(null),
            settings.get(ANSWER_MIN_FRAMES).orElse(null),
            settings.get(ANSWER_MAX_FRAMES).orElse(null)),
        new SamplingParams(
            settings.get(ANSWER_TEMPERATURE),
            settings.get(ANSWER_TOP_P),
            settings.get(ANSWER_TOP_K),
            settings.get(ANSWER_REPETITION_PENALTY),
            settings.get(ANSWER_SEED),
            settings.get(ANSWER_LOGPROBS)),
        settings.get(ANSWER_MAX_TOKENS),
        reduction(settings));
  }

  private static @Nullable QuestionReduction reduction(Settings settings) {
    Optional<String> reducer = settings.get(QUESTION_REDUCER);
    Optional<Double> retention = settings.get(QUESTION_RETENTION);
    Optional<Integer> layer = settings.get(QUESTION_LAYER);
    if (reducer.isEmpty() && (retention.isPresent() || layer.isPresent())) {
      throw new IllegalArgumentException(
          "answer.question-retention and answer.question-layer: expected an answer.question-reducer, one of %s, but found none"
              .formatted(QuestionReduction.REDUCERS));
    }
    return reducer
        .map(name -> new QuestionReduction(name, retention.orElse(null), layer.orElse(null)))
        .orElse(null);
  }

  /**
   * The reducer: unless it is configured, the usual one for the retention. A retention from a
   * weaker source than the reducer {@code none}, or than thresholds, gives way to them; from the
   * same source it is a contradiction.
   */
  private static MergeSpec merge(Settings settings) {
    String reducer = settings.get(ANSWER_REDUCER);
    Thresholds thresholds = thresholds(settings);
    @Nullable Double retention = settings.get(ANSWER_RETENTION).orElse(null);
    boolean free = retention == null || settings.isWeaker(ANSWER_RETENTION, ANSWER_REDUCER);
    if (reducer.equals("none") && free) {
      retention = 1.0;
    }
    if (thresholds != null && settings.isWeaker(ANSWER_RETENTION, ANSWER_SPATIAL)) {
      retention = null;
    }
    if (!reducerNamed(settings) && retention != null && thresholds == null) {
      reducer = MergeSpec.usualReducer(retention);
    }
    try {
      return new MergeSpec(reducer, settings.get(ANSWER_MODE), retention, thresholds);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "answer.reducer and answer.retention: " + e.getMessage(), e);
    }
  }

  private static boolean reducerNamed(Settings settings) {
    return settings.given(ANSWER_REDUCER).source() != Settings.Source.DEFAULT;
  }

  private static @Nullable Thresholds thresholds(Settings settings) {
    Optional<Double> spatial = settings.get(ANSWER_SPATIAL);
    Optional<Double> temporal = settings.get(ANSWER_TEMPORAL);
    if (spatial.isPresent() != temporal.isPresent()) {
      throw new IllegalArgumentException(
          "answer.spatial-threshold and answer.temporal-threshold: expected both or none, but found '%s' and '%s'"
              .formatted(
                  settings.given(ANSWER_SPATIAL).text(), settings.given(ANSWER_TEMPORAL).text()));
    }
    return spatial.isEmpty() ? null : new Thresholds(spatial.get(), temporal.orElseThrow());
  }
}
