package vidfold.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import vidfold.merging.MergeSpec;
import vidfold.model.LoadOptions;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.model.WeightFormat;
import vidfold.server.config.Settings.Flag;
import vidfold.server.engine.EngineConfig;
import vidfold.server.engine.Question;
import vidfold.server.http.HttpConfig;
import vidfold.server.video.LibraryConfig;
import vidfold.torch.TorchConfig;
import vidfold.video.VideoLimits;

class ServerConfigTest {
  private static final ModelInfo MODEL =
      new ModelInfo("m", "qwen2-vl", "sha256:0", "cpu", "f32", "stored", 6, 1000, 2, 100, 10);
  private static final SamplingRule RULE = new SamplingRule(2, 4, 256, true);

  @Test
  void shouldHaveTheDefaultsOfTheParts() {
    ServerConfig config = config();

    assertThat(config.http()).isEqualTo(HttpConfig.defaults());
    assertThat(config.engine()).isEqualTo(EngineConfig.defaults());
    assertThat(config.video().library()).isEqualTo(LibraryConfig.defaults());
    assertThat(config.video().limits()).isEqualTo(VideoLimits.defaults());
    assertThat(config.model())
        .isEqualTo(
            new ModelConfig(
                null, TorchConfig.auto(), new LoadOptions(WeightFormat.STORED, 3584L << 20)));
    assertThat(config.answer().sampling()).isEqualTo(SamplingParams.greedy());
    assertThat(config.answer().merge()).isEqualTo(MergeSpec.sttm("reference", 0.5));
  }

  /** Every key reaches a part: another value makes another configuration. */
  @Test
  void shouldUseEveryKey() {
    Map<String, String> others =
        Map.ofEntries(
            Map.entry("http.host", "::1"),
            Map.entry("data.folder", "/data"),
            Map.entry("model.path", "/model"),
            Map.entry("model.device", "cpu"),
            Map.entry("model.dtype", "f32"),
            Map.entry("model.weights", "int8"),
            Map.entry("answer.reducer", "uniform"),
            Map.entry("answer.mode", "strict"),
            Map.entry("answer.question-reducer", "fastv"),
            Map.entry("ffmpeg.folder", "/usr/bin"),
            Map.entry("ffmpeg.cache", "/cache"));
    for (ConfigKey<?> key : ConfigKeys.all()) {
      if (key.name().endsWith("-threshold")) {
        continue; // given as a pair, below
      }
      if (key.name().matches("answer.question-(retention|layer)")) {
        continue; // given with a reducer, below
      }
      String other =
          others.getOrDefault(
              key.name(),
              switch (key.type().label().split(" ")[0]) {
                case "duration" -> "17s";
                case "size" -> "17MiB";
                case "number" -> "0.25";
                default -> "17";
              });
      assertThat(config(key.name(), other)).as(key.name()).isNotEqualTo(config());
    }
  }

  @Test
  void shouldLetThresholdsStandForTheDefaultRetention() {
    MergeSpec merge =
        config("answer.spatial-threshold", "0.8", "answer.temporal-threshold", "0.7")
            .answer()
            .merge();
    assertThat(merge)
        .isEqualTo(new MergeSpec("sttm", "reference", null, new MergeSpec.Thresholds(0.8, 0.7)));
  }

  @Test
  void shouldRefuseThresholdsTogetherWithRetention() {
    assertThatThrownBy(
            () ->
                config(
                    "answer.spatial-threshold", "0.8",
                    "answer.temporal-threshold", "0.7",
                    "answer.retention", "0.5"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("answer.retention");
  }

  @Test
  void shouldRefuseHalfOfTheThresholds() {
    assertThatThrownBy(() -> config("answer.spatial-threshold", "0.8"))
        .hasMessageContaining("expected both or none, but found '0.8' and 'none'");
  }

  @Test
  void shouldKeepAllTokensWithoutAReducer() {
    assertThat(config("answer.reducer", "none").answer().merge()).isEqualTo(MergeSpec.none());
  }

  @Test
  void shouldLeaveTheRetentionToTheReducer() {
    assertThat(config("answer.retention", "auto").answer().merge())
        .isEqualTo(MergeSpec.auto("sttm", "reference"));
    assertThat(config("answer.retention", "auto", "answer.reducer", "tome").answer().merge())
        .isEqualTo(MergeSpec.auto("tome", "reference"));
    assertThat(config("answer.retention", "auto", "answer.reducer", "none").answer().merge())
        .isEqualTo(MergeSpec.none());
    assertThatThrownBy(() -> config("answer.retention", "half")).hasMessageContaining("auto");
  }

  @Test
  void shouldTakeUstcAtTheInputAtSmallRetention() {
    Question.Options small = config("answer.retention", "0.05").answer().options(MODEL, RULE);
    assertThat(small.reducerNamed()).isFalse();
    assertThat(small.prefix())
        .isEqualTo(new PrefixSpec(MergeSpec.of("ustc", "reference", 0.05), 0));
    assertThat(config("answer.retention", "0.2").answer().merge())
        .isEqualTo(MergeSpec.sttm("reference", 0.2));
    Question.Options named =
        config("answer.retention", "0.05", "answer.reducer", "sttm").answer().options(MODEL, RULE);
    assertThat(named.prefix()).isEqualTo(new PrefixSpec(MergeSpec.sttm("reference", 0.05), 2));
    assertThat(named.reducerNamed()).isTrue();
    assertThat(
            config("answer.retention", "0.05", "answer.merge-layer", "1")
                .answer()
                .options(MODEL, RULE)
                .prefix()
                .mergeLayer())
        .isEqualTo(1);
  }

  @Test
  void shouldRefuseARetentionWithoutAReducer() {
    assertThatThrownBy(() -> config("answer.reducer", "none", "answer.retention", "0.5"))
        .hasMessageContaining("reducer 'none' keeps every token");
  }

  @Test
  void shouldLeaveToTheModelWhatIsNotConfigured() {
    Question.Options options = config().answer().options(MODEL, RULE);
    assertThat(options.prefix().mergeLayer()).isEqualTo(2);
    assertThat(options.frames()).isEqualTo(RULE);
  }

  @Test
  void shouldOverrideTheModel() {
    Question.Options options =
        config("answer.merge-layer", "0", "answer.fps", "1", "answer.max-frames", "2")
            .answer()
            .options(MODEL, RULE);
    assertThat(options.prefix().mergeLayer()).isZero();
    assertThat(options.frames()).isEqualTo(new SamplingRule(1, 2, 2, true));
  }

  @Test
  void shouldReduceQuestionsAsConfigured() {
    ServerConfig config =
        config(
            "answer.question-reducer", "ustc",
            "answer.question-retention", "0.3",
            "answer.question-layer", "4");
    assertThat(config.answer().options(MODEL, RULE).reduction())
        .isEqualTo(new QuestionReduction("ustc", 0.3, 4));
    assertThat(config().answer().options(MODEL, RULE).reduction()).isNull();
    assertThatThrownBy(
            () ->
                config("answer.question-reducer", "fastv", "answer.question-layer", "2")
                    .answer()
                    .options(MODEL, RULE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("answer.question-reducer: question layer must be in [3, 5]");
  }

  @Test
  void shouldRefuseAShareOfAQuestionWithoutItsReducer() {
    assertThatThrownBy(() -> config("answer.question-retention", "0.5"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected an answer.question-reducer, one of [fastv, ustc")
        .hasMessageContaining("found none");
  }

  @Test
  void shouldRefuseAMergeLayerThatTheModelHasNot() {
    AnswerConfig answer = config("answer.merge-layer", "6").answer();
    assertThatThrownBy(() -> answer.options(MODEL, RULE))
        .hasMessage("answer.merge-layer: expected a layer below the model's 6 but found 6");
  }

  @Test
  void shouldRefuseFewerFramesAtMostThanAtLeast() {
    AnswerConfig answer = config("answer.min-frames", "9", "answer.max-frames", "8").answer();
    assertThatThrownBy(() -> answer.options(MODEL, RULE)).hasMessageContaining("answer.min-frames");
  }

  @Test
  void shouldMoveToATemporaryFolderWithoutAFloor() {
    VideoConfig video = config().inTemporaryFolder(Path.of("/t")).video();
    assertThat(video.dataFolder()).isEqualTo(Path.of("/t"));
    assertThat(video.library().freeDiskFloor()).isZero();
  }

  private static ServerConfig config(String... keysAndValues) {
    List<Flag> flags = new ArrayList<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      flags.add(new Flag("--set", keysAndValues[i], keysAndValues[i + 1]));
    }
    return ServerConfig.of(Settings.read(null, Map.of(), flags));
  }
}
