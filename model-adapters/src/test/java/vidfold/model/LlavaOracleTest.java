package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergedTokens;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * LLaVA in both layouts against Hugging Face transformers on a tiny random checkpoint. What made
 * the files, and how, is in {@code src/test/python/README.md}.
 */
class LlavaOracleTest {

  private static final int SIDE = 46;
  private static final int GRID = 7;
  private static final int PATCH = 6;
  private static final int POOLED = 4;

  private static Torch torch;
  private static TokenMergers mergers;
  private static WeightLoader loader;
  private static Checkpoint checkpoint;
  private static Qwen2VideoLlm.Parts model;
  private static Qwen2Decoder decoder;

  @BeforeAll
  static void load() {
    torch = Torch.start(TorchConfig.cpuF32());
    mergers = new TokenMergers(torch);
    loader = new WeightLoader(torch);
    checkpoint = Checkpoint.open(LlavaFolders.CONVERTED);
    model = parts(checkpoint);
    decoder = model.decoder();
  }

  @AfterAll
  static void close() {
    model.close();
    loader.close();
    mergers.close();
    checkpoint.close();
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  @Test
  void shouldMakeTheSamePixelValues() {
    LlavaConfig config = LlavaCheckpoint.config(checkpoint);
    SiglipVision.Names names =
        new SiglipVision.Names(
            "vision_tower.vision_model.",
            "multi_modal_projector.linear_1.",
            "multi_modal_projector.linear_2.",
            "image_newline");
    Weights weights = new CheckpointWeights(checkpoint.weights(), loader);
    try (SafetensorsFile file = LlavaFolders.open("video");
        SiglipVision vision = new SiglipVision(torch, config, weights, names);
        Tensor patches = vision.patchify(frames(file).rgb())) {
      float[] expected = patchesOf(Oracles.floats(file, "pixel_values_videos"));
      Oracles.assertClose(patches.toFloats(), expected, 1e-5f);
    }
  }

  @Test
  void shouldMakeTheSameVisualTokens() {
    try (SafetensorsFile file = LlavaFolders.open("video");
        TensorScope scope = new TensorScope()) {
      Oracles.assertClose(
          visualTokens(file, scope, false).toFloats(),
          Oracles.floats(file, "vision_features"),
          1e-4f);
    }
  }

  @Test
  void shouldWriteTheSamePrompt() {
    try (SafetensorsFile file = LlavaFolders.open("video")) {
      int[] ids = Oracles.ints(file, "input_ids");
      int[] video = new int[model.adapter().grid(frames(file)).tokens() + 1];
      Arrays.fill(video, model.adapter().placeholders()[0]);
      assertThat(concat(model.prompt().beforeVideo(), video, rest(file))).isEqualTo(ids);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"video", "text_only"})
  void shouldMakeTheSameLogitsAtEveryPosition(String name) {
    try (SafetensorsFile file = LlavaFolders.open(name);
        TensorScope scope = new TensorScope()) {
      Tensor x =
          name.equals("video")
              ? decoder.join(
                  model.prompt().beforeVideo(), visualTokens(file, scope, false), rest(file))
              : decoder.join(Oracles.ints(file, "input_ids"), scope.own(noTokens()), new int[0]);
      Tensor out = through(scope, scope.own(x), 0, decoder.config().layers());
      Oracles.assertClose(
          scope.own(decoder.logits(out)).toFloats(), Oracles.floats(file, "logits"), 1e-4f);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1024", "2, 1024", "0, 16", "2, 9", "1, 7"})
  void shouldGenerateTheSameTokensFromACachedPrefix(int mergeLayer, int chunk) {
    try (SafetensorsFile file = LlavaFolders.open("video");
        KvPrefix prefix = build(model, frames(file), spec(MergeSpec.none(), mergeLayer), chunk)) {
      int[] question = model.prompt().question(Oracles.facts(file).get("question").asText());
      Oracles.assertGreedyTokens(
          torch, decoder, (PrefixKv) prefix.state(), new Oracles.Asked(question, chunk), file);
    }
  }

  @Test
  void shouldContinueAConversation() {
    try (SafetensorsFile video = LlavaFolders.open("video");
        SafetensorsFile file = LlavaFolders.open("two_turns");
        KvPrefix prefix = build(model, frames(video), spec(MergeSpec.none(), 2), 16)) {
      int[] answer =
          Arrays.copyOf(
              Oracles.ints(video, "greedy_tokens"),
              Oracles.facts(file).get("answer_length").asInt());
      int[] turns =
          concat(
              model.prompt().question(Oracles.facts(file).get("question").asText()),
              answer,
              model.prompt().nextTurn(Oracles.facts(file).get("second_question").asText()));
      Oracles.assertGreedyTokens(
          torch, decoder, (PrefixKv) prefix.state(), new Oracles.Asked(turns, 64), file);
    }
  }

  /**
   * The layers below the merge number all tokens of prefix and question, the others survivors and
   * question: what a run over the whole sequence does when it merges in the middle.
   */
  @ParameterizedTest
  @CsvSource({"0, 0.5", "2, 0.5", "1, 0.2"})
  void shouldAnswerOnAMergedPrefixLikeARunOverTheWhole(int mergeLayer, double retention) {
    MergeSpec merge = MergeSpec.sttm("strict", retention);
    try (SafetensorsFile file = LlavaFolders.open("video");
        TensorScope scope = new TensorScope();
        Sampler sampler = new Sampler(torch);
        KvPrefix prefix = build(model, frames(file), spec(merge, mergeLayer), 1024)) {
      PrefixKv kv = (PrefixKv) prefix.state();
      KvPrefix.Summary summary = prefix.summary();
      int dropped = summary.tokensBefore() - summary.tokensAfter();
      assertThat(dropped).isPositive();
      assertThat(kv.nextLow() - kv.nextHigh()).isEqualTo(dropped);
      assertThat(kv.nextHigh()).isEqualTo(summary.promptTokens());
      int[] question = model.prompt().question("Where does it go?");
      float[] whole = mergedWhole(file, scope, merge, mergeLayer, question);
      try (OwnKv own =
          new OwnKv(
              kv,
              decoder.newCache(0, decoder.config().layers(), question.length),
              question.length,
              0,
              SamplingParams.greedy())) {
        own.fed(question, decoder.prefillQuestion(question, own));
        Oracles.assertClose(own.logits().toFloats(), whole, 1e-4f);
        assertThat(sampler.sample(own).logprob()).isCloseTo(best(whole), Offset.offset(1e-3f));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"lmms_grid", "lmms_no_token", "lmms_one_token", "lmms_frame", "lmms_grid_time"})
  void shouldGiveTheSameTokensInTheLayoutOfLmmsLab(String name, @TempDir Path folder)
      throws IOException {
    try (SafetensorsFile file = LlavaFolders.open(name);
        SafetensorsFile clip = LlavaFolders.open("video")) {
      boolean timed = Oracles.facts(file).get("timed").asBoolean();
      LlavaFolders.writeLmmsLab(
          folder,
          config ->
              config
                  .put("mm_newline_position", Oracles.facts(file).get("mode").asText())
                  .put("add_time_instruction", timed));
      try (Checkpoint lmms = Checkpoint.open(folder);
          Qwen2VideoLlm.Parts parts = parts(lmms)) {
        VideoFrames frames = timed ? timed(file, clip) : frames(clip);
        int[] question = parts.prompt().question(Oracles.facts(file).get("question").asText());
        assertThat(parts.prompt().beforeVideo()).isEqualTo(Oracles.ints(file, "before"));
        assertThat(concat(parts.prompt().afterVideo(frames), question))
            .isEqualTo(Oracles.ints(file, "after"));
        try (KvPrefix prefix = build(parts, frames, spec(MergeSpec.none(), 2), 32)) {
          Oracles.assertGreedyTokens(
              torch,
              parts.decoder(),
              (PrefixKv) prefix.state(),
              new Oracles.Asked(question, 32),
              file);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vision_tower.vision_model.", "vision_tower.", "saved"})
  void shouldGiveTheSameTokensUnderTheNamesOfNewVersions(String tower, @TempDir Path folder)
      throws IOException {
    if (tower.equals("saved")) {
      LlavaFolders.writeSaved(folder);
    } else {
      LlavaFolders.writeNested(folder, tower, config -> {});
    }
    try (SafetensorsFile file = LlavaFolders.open("video");
        Checkpoint nested = Checkpoint.open(folder);
        Qwen2VideoLlm.Parts parts = parts(nested);
        KvPrefix prefix = build(parts, frames(file), spec(MergeSpec.none(), 0), 1024)) {
      int[] question = parts.prompt().question(Oracles.facts(file).get("question").asText());
      Oracles.assertGreedyTokens(
          torch,
          parts.decoder(),
          (PrefixKv) prefix.state(),
          new Oracles.Asked(question, 1024),
          file);
    }
  }

  @ParameterizedTest
  @CsvSource({"grid, 0", "frame, 0", "no_token, 0", "one_token, 1"})
  void shouldDropNewlinesInsideAMergedVideo(String mode, int left, @TempDir Path folder)
      throws IOException {
    LlavaFolders.writeLmmsLab(folder, config -> config.put("mm_newline_position", mode));
    try (SafetensorsFile clip = LlavaFolders.open("video");
        Checkpoint lmms = Checkpoint.open(folder);
        Qwen2VideoLlm.Parts parts = parts(lmms);
        KvPrefix prefix =
            build(parts, frames(clip), spec(MergeSpec.sttm("strict", 0.5), 2), 1024)) {
      KvPrefix.Summary summary = prefix.summary();
      Prompt prompt = parts.prompt();
      int text = prompt.beforeVideo().length + prompt.afterVideo(frames(clip)).length;
      assertThat(summary.tokensBefore()).isEqualTo(5 * POOLED * POOLED);
      assertThat(summary.tokensAfter()).isEqualTo(40);
      assertThat(summary.promptTokens()).isEqualTo(40 + text + left);
    }
  }

  /** Layers below on everything, the merge, the other layers on what is left; last logits. */
  private static float[] mergedWhole(
      SafetensorsFile file, TensorScope scope, MergeSpec merge, int mergeLayer, int[] question) {
    int[] before = model.prompt().beforeVideo();
    VisualGrid grid = model.adapter().grid(frames(file));
    int[] tail = concat(model.prompt().afterVideo(frames(file)), question);
    Tensor x = scope.own(decoder.join(before, visualTokens(file, scope, true), tail));
    Tensor low = mergeLayer == 0 ? x : through(scope, x, 0, mergeLayer);
    Tensor video = scope.own(decoder.rows(low, before.length, grid.tokens()));
    try (MergedTokens merged =
        mergers
            .create(merge)
            .merge(new VideoTokens(video, grid.steps(), grid.rows(), grid.cols()))) {
      int end = before.length + grid.tokens();
      Tensor y = scope.own(decoder.splice(low, before.length, end, merged.values()));
      Tensor out = through(scope, y, mergeLayer, decoder.config().layers() - mergeLayer);
      int last = Math.toIntExact(out.shape()[0]) - 1;
      return scope.own(decoder.logits(scope.own(decoder.rows(out, last, 1)))).toFloats();
    }
  }

  private static Tensor through(TensorScope scope, Tensor x, int first, int layers) {
    int rows = Math.toIntExact(x.shape()[0]);
    LayerKv kv = decoder.newCache(first, first + layers, rows).in(scope);
    return scope.own(decoder.prefillPrefix(x, Positions.text(0, rows), kv, 0, false));
  }

  private static float best(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    double sum = 0;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return (float) -Math.log(sum);
  }

  private static Tensor visualTokens(SafetensorsFile file, TensorScope scope, boolean merges) {
    VideoFrames frames = frames(file);
    VisualGrid grid = model.adapter().grid(frames);
    List<Tensor> parts = new ArrayList<>();
    for (int[] range : new int[][] {{0, 2}, {2, grid.steps()}}) {
      parts.add(scope.own(model.adapter().encode(frames, range[0], range[1])));
    }
    return scope.own(model.adapter().arrange(scope.own(decoder.cat(parts)), grid, merges));
  }

  private static Tensor noTokens() {
    return torch.floats(new float[0], 0, decoder.config().hidden());
  }

  /** What follows the video in a case's prompt. */
  private static int[] rest(SafetensorsFile file) {
    return concat(
        model.prompt().afterVideo(frames(file)),
        model.prompt().question(Oracles.facts(file).get("question").asText()));
  }

  /** Pixel values {@code [T, 3, SIDE, SIDE]} in the order of {@link SiglipVision#patchify}. */
  private static float[] patchesOf(float[] pixels) {
    int frames = pixels.length / (3 * SIDE * SIDE);
    float[] out = new float[frames * GRID * GRID * 3 * PATCH * PATCH];
    int at = 0;
    for (int cell = 0; cell < frames * GRID * GRID; cell++) {
      int frame = cell / (GRID * GRID);
      int top = cell / GRID % GRID * PATCH;
      int left = cell % GRID * PATCH;
      for (int i = 0; i < 3 * PATCH * PATCH; i++) {
        int channel = i / (PATCH * PATCH);
        int y = top + i / PATCH % PATCH;
        int x = left + i % PATCH;
        out[at++] = pixels[((frame * 3 + channel) * SIDE + y) * SIDE + x];
      }
    }
    return out;
  }

  private static VideoFrames frames(SafetensorsFile file) {
    return new VideoFrames(
        Oracles.resized(file, model.adapter().frameSize(5, 61, 40)),
        SIDE,
        SIDE,
        List.of(0.0, 0.5, 1.0, 1.5, 2.0));
  }

  private static VideoFrames timed(SafetensorsFile file, SafetensorsFile clip) {
    List<Double> times = new ArrayList<>();
    Oracles.facts(file).get("times").forEach(t -> times.add(t.asDouble()));
    double seconds = Oracles.facts(file).get("seconds").asDouble();
    return new VideoFrames(frames(clip).rgb(), SIDE, SIDE, times, seconds);
  }

  private static Qwen2VideoLlm.Parts parts(Checkpoint checkpoint) {
    return LlavaCheckpoint.load(
        checkpoint,
        torch,
        new CheckpointWeights(checkpoint.weights(), loader),
        LoadOptions.stored());
  }

  private static PrefixSpec spec(MergeSpec merge, int mergeLayer) {
    return new PrefixSpec(merge, mergeLayer);
  }

  private static KvPrefix build(
      Qwen2VideoLlm.Parts parts, VideoFrames frames, PrefixSpec spec, int chunk) {
    VideoPrefixBuild.Parts with =
        new VideoPrefixBuild.Parts(parts.adapter(), parts.decoder(), mergers, chunk);
    return Oracles.build(with, parts.prompt(), frames, spec);
  }

  private static int[] concat(int[]... parts) {
    return Stream.of(parts).flatMapToInt(Arrays::stream).toArray();
  }
}
