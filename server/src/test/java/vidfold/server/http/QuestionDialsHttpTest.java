package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.merging.MergeSpec;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReduction;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.server.engine.Question;

/** What the engine is asked for when a question comes with dials. */
class QuestionDialsHttpTest {
  @TempDir Path folder;
  private TestServer server;
  private String path;

  @BeforeEach
  void start() throws Exception {
    server = TestServer.open(folder);
    path = "/v1/videos/" + server.readyVideo() + "/questions";
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void shouldTurnEveryDial() throws Exception {
    Question.Options options =
        asked(
            """
            {"question": "a", "retention": 0.3, "reducer": "tome", "mode": "strict",
             "merge_layer": 0, "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "top_k": 7,
             "repetition_penalty": 1.1, "seed": 9007199254740993, "logprobs": 3,
             "max_frames": 8, "fps": 0.5, "stream": false}""");

    assertThat(options.prefix().merge()).isEqualTo(MergeSpec.of("tome", "strict", 0.3));
    assertThat(options.prefix().mergeLayer()).isZero();
    assertThat(options.maxTokens()).isEqualTo(5);
    assertThat(options.sampling())
        .isEqualTo(new SamplingParams(0.5, 0.9, 7, 1.1, 9007199254740993L, 3));
    assertThat(options.frames()).isEqualTo(new SamplingRule(0.5, 2, 8, true));
  }

  @Test
  void shouldMergeAtTheInputWithUstcUnlessALayerIsGiven() throws Exception {
    PrefixSpec unnamed = asked("{\"question\": \"a\", \"retention\": 0.05}").prefix();
    assertThat(unnamed).isEqualTo(new PrefixSpec(MergeSpec.of("ustc", "reference", 0.05), 0));
    PrefixSpec named =
        asked("{\"question\": \"a\", \"retention\": 0.05, \"reducer\": \"sttm\"}").prefix();
    assertThat(named)
        .isEqualTo(
            new PrefixSpec(
                MergeSpec.sttm("reference", 0.05), TestServer.DEFAULTS.prefix().mergeLayer()));
    assertThat(TestServer.DEFAULTS.prefix().mergeLayer()).isPositive();
    assertThat(
            asked("{\"question\": \"a\", \"retention\": 0.05, \"merge_layer\": 1}")
                .prefix()
                .mergeLayer())
        .isEqualTo(1);
  }

  @Test
  void shouldReadHowToMerge() throws Exception {
    assertThat(merge("\"retention\": 0.2")).isEqualTo(MergeSpec.sttm("reference", 0.2));
    assertThat(merge("\"reducer\": \"none\"")).isEqualTo(MergeSpec.none());
    assertThat(merge("\"reducer\": \"uniform\""))
        .isEqualTo(MergeSpec.of("uniform", "reference", 0.5));
    assertThat(merge("\"thresholds\": {\"spatial\": 0.8, \"temporal\": 0.7}"))
        .isEqualTo(new MergeSpec("sttm", "reference", null, new MergeSpec.Thresholds(0.8, 0.7)));
    assertThat(merge("\"retention\": \"auto\"")).isEqualTo(MergeSpec.auto("sttm", "reference"));
    assertThat(merge("\"retention\": \"auto\", \"reducer\": \"tome\""))
        .isEqualTo(MergeSpec.auto("tome", "reference"));
    assertThat(merge("\"retention\": null")).isEqualTo(MergeSpec.sttm("reference", 0.5));
  }

  @Test
  void shouldReadWhatTheQuestionAloneSees() throws Exception {
    assertThat(reduction("\"question_reducer\": \"fastv\""))
        .isEqualTo(new QuestionReduction("fastv", null, null));
    assertThat(
            reduction(
                "\"question_reducer\": \"ustc\", \"question_retention\": 0.3,"
                    + " \"question_layer\": 1, \"merge_layer\": 0"))
        .isEqualTo(new QuestionReduction("ustc", 0.3, 1));
    assertThat(reduction("\"question_reducer\": \"none\"")).isNull();
    assertThat(reduction("\"seed\": 1")).isNull();
  }

  @Test
  void shouldSayWhatAQuestionReducerMayBe() throws Exception {
    TestServer.Response response =
        server.post(path, "{\"question\": \"a\", \"question_reducer\": \"magic\"}");

    assertThat(response.json().get("detail").asText())
        .isEqualTo(
            "question reducer must be one of [fastv, ustc, dycoke, framefusion] but was 'magic'.");
  }

  @Test
  void shouldSayWhatANumberMayBe() throws Exception {
    assertThat(detail("\"retention\": \"half\""))
        .isEqualTo("'retention' must be a number or \"auto\" but is a string.");
    assertThat(detail("\"max_frames\": 0")).isEqualTo("'max_frames' must be at least 1 but is 0.");
    assertThat(detail("\"root_level\": -1")).isEqualTo("root_level must be at least 0 but was -1.");
  }

  private String detail(String dials) throws Exception {
    TestServer.Response response = server.post(path, "{\"question\": \"a\", " + dials + "}");
    return response.json().get("detail").asText();
  }

  private QuestionReduction reduction(String dials) throws Exception {
    return asked("{\"question\": \"a\", " + dials + "}").reduction();
  }

  private MergeSpec merge(String dials) throws Exception {
    return asked("{\"question\": \"a\", " + dials + "}").prefix().merge();
  }

  private Question.Options asked(String json) throws Exception {
    TestServer.Response response = server.post(path, json);
    assertThat(response.status()).as(response.text()).isEqualTo(200);
    return server.answers.questions.get(server.answers.questions.size() - 1).options();
  }
}
