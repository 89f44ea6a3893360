package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.checkpoint.CheckpointException;
import vidfold.merging.MergeSpec;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** Loading folders, and reuse of a prefix through the public interface. */
class VideoLlmsTest {

  private static final Path CHECKPOINT = Path.of("src/test/resources/oracle/qwen2vl/checkpoint");

  private static Torch torch;

  @BeforeAll
  static void start() {
    torch = Torch.start(TorchConfig.cpuF32());
  }

  @AfterAll
  static void stop() {
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  @ParameterizedTest
  @CsvSource({
    "qwen2vl, none, 0", "qwen2vl, none, 2", "qwen2vl, sttm, 0", "qwen2vl, sttm, 2",
    "qwen25vl, none, 0", "qwen25vl, none, 2", "qwen25vl, sttm, 0", "qwen25vl, sttm, 2",
    "llava, none, 0", "llava, none, 2", "llava, sttm, 0", "llava, sttm, 2"
  })
  void shouldAnswerALaterQuestionAsIfItWereTheFirst(String family, String reducer, int mergeLayer) {
    Path folder = Path.of("src/test/resources/oracle", family, "checkpoint");
    MergeSpec merge = reducer.equals("none") ? MergeSpec.none() : MergeSpec.sttm("strict", 0.5);
    PrefixSpec spec = new PrefixSpec(merge, mergeLayer);
    try (VideoLlm model = VideoLlms.open(folder, torch)) {
      List<Integer> fresh;
      try (KvPrefix prefix = build(model, spec)) {
        fresh = answer(model, prefix, "And what next?");
      }
      try (KvPrefix prefix = build(model, spec)) {
        answer(model, prefix, "What is it?");
        assertThat(answer(model, prefix, "And what next?")).isEqualTo(fresh);
        assertThat(answer(model, prefix, "What is it?")).isNotEqualTo(fresh);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "qwen2vl, none, 0",
    "qwen2vl, sttm, 1",
    "qwen25vl, sttm, 1",
    "llava, none, 0",
    "llava, sttm, 1"
  })
  void shouldLeaveThePrefixAsItIsWhateverAQuestionSees(
      String family, String reducer, int mergeLayer) {
    Path folder = Path.of("src/test/resources/oracle", family, "checkpoint");
    MergeSpec merge = reducer.equals("none") ? MergeSpec.none() : MergeSpec.sttm("strict", 0.7);
    try (VideoLlm model = VideoLlms.open(folder, torch);
        KvPrefix prefix = build(model, new PrefixSpec(merge, mergeLayer))) {
      PrefixKv kv = (PrefixKv) prefix.state();
      float[] upper = kv.upper().only().toFloats();
      List<TokenChoice> plain = choices(model, prefix, null);
      long tensors = torch.liveTensors();
      for (String name : QuestionReduction.REDUCERS) {
        int layers = model.info().layers();
        QuestionReducer all = new QuestionReduction(name, 1.0, null).in(mergeLayer, layers);
        assertThat(choices(model, prefix, all)).as(name).isEqualTo(plain);
        QuestionReducer few = new QuestionReduction(name, null, null).in(mergeLayer, layers);
        List<TokenChoice> narrow = choices(model, prefix, few);
        assertThat(narrow).as(name).isNotEqualTo(plain);
        assertThat(choices(model, prefix, few)).as(name).isEqualTo(narrow);
        assertThat(choices(model, prefix, null)).as("after " + name).isEqualTo(plain);
        assertThat(torch.liveTensors()).as("tensors after " + name).isEqualTo(tensors);
      }
      assertThat(kv.upper().only().toFloats()).containsExactly(upper);
      int newlines = family.equals("llava") ? 1 : 0;
      assertThat(kv.visual().count()).isEqualTo(prefix.summary().tokensAfter() + newlines);
    }
  }

  /** Six narrowed ones: enough rows for other kernels, if they were in its batch. */
  @ParameterizedTest
  @CsvSource({"qwen2vl", "llava"})
  void shouldAnswerBitForBitWhateverNarrowedQuestionsRunBeside(String family) {
    Path folder = Path.of("src/test/resources/oracle", family, "checkpoint");
    try (VideoLlm model = VideoLlms.open(folder, torch);
        KvPrefix prefix = build(model, new PrefixSpec(MergeSpec.none(), 0))) {
      List<Decoding> beside = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        String name = QuestionReduction.REDUCERS.get(i % 4);
        QuestionReducer reducer = new QuestionReduction(name, null, null).in(0, 3);
        beside.add(asked(model, prefix, reducer));
      }
      try (Decoding alone = asked(model, prefix, null);
          Decoding plain = asked(model, prefix, null)) {
        List<Decoding> batch = new ArrayList<>(beside);
        batch.add(2, plain);
        for (int token = 40; token < 44; token++) {
          int[] tokens = new int[batch.size()];
          java.util.Arrays.fill(tokens, token);
          model.decode(batch, tokens);
          model.decode(List.of(alone), new int[] {token});
          assertThat(((OwnKv) plain).logits().toFloats())
              .containsExactly(((OwnKv) alone).logits().toFloats());
        }
        assertThat(batch).allMatch(sequence -> sequence.length() == plain.length());
      }
      beside.forEach(Decoding::close);
    }
  }

  private static Decoding asked(
      VideoLlm model, KvPrefix prefix, @Nullable QuestionReducer reducer) {
    int[] prompt = model.questionTokens("What is it?");
    Decoding sequence =
        reducer == null
            ? model.open(prefix, SamplingParams.greedy(), 64)
            : model.open(prefix, SamplingParams.greedy(), 64, reducer, prompt.length);
    model.prefill(sequence, prompt);
    return sequence;
  }

  @ParameterizedTest
  @CsvSource({"qwen2vl", "qwen25vl", "llava"})
  void shouldKeepSaliencyWithTheTokensWhenAsked(String family) {
    Path folder = Path.of("src/test/resources/oracle", family, "checkpoint");
    try (VideoLlm model = VideoLlms.open(folder, torch);
        VideoEncoding encoding = model.startEncoding(frames(model), true)) {
      while (!encoding.advance()) {}
      try (EncodedVideo video = encoding.finish();
          PrefixBuild build =
              model.startPrefix(video, new PrefixSpec(MergeSpec.of("ustc", "strict", 0.5), 0))) {
        VisualTokens visual = (VisualTokens) video.state();
        float[] saliency = visual.saliency().toFloats();
        assertThat(saliency).hasSize(visual.grid().tokens());
        for (float attention : saliency) {
          assertThat(attention).isBetween(0f, 1f);
        }
        assertThat(video.bytes()).isEqualTo(visual.tokens().bytes() + 4L * saliency.length);
        while (!build.advance()) {}
        try (KvPrefix prefix = build.finish()) {
          assertThat(prefix.summary().tokensAfter()).isEqualTo(saliency.length / 2);
        }
      }
    }
  }

  @Test
  void shouldContinueATurnLikeTheWholeConversation() {
    PrefixSpec spec = new PrefixSpec(MergeSpec.none(), 0);
    try (VideoLlm model = VideoLlms.open(CHECKPOINT, torch);
        KvPrefix prefix = build(model, spec)) {
      int[] first = model.questionTokens("What is it?");
      int[] said = {40, 41, 42};
      int[] second = model.nextTurnTokens("And then?");
      List<Integer> stepwise;
      try (Decoding sequence = model.open(prefix, SamplingParams.greedy(), 200)) {
        model.prefill(sequence, first);
        for (int token : said) {
          model.decode(List.of(sequence), new int[] {token});
        }
        model.prefill(sequence, second);
        stepwise = generate(model, sequence);
      }
      int[] whole =
          java.util.stream.IntStream.of(0, 1, 2)
              .mapToObj(i -> List.of(first, said, second).get(i))
              .flatMapToInt(java.util.Arrays::stream)
              .toArray();
      try (Decoding sequence = model.open(prefix, SamplingParams.greedy(), 200)) {
        model.prefill(sequence, whole);
        assertThat(generate(model, sequence)).isEqualTo(stepwise);
      }
    }
  }

  @Test
  void shouldFreeEverythingWhenABuildIsGivenUp() {
    try (VideoLlm model = VideoLlms.open(CHECKPOINT, torch)) {
      long before = torch.liveTensors();
      for (int steps = 0; steps < 8; steps++) {
        PrefixSpec spec = new PrefixSpec(MergeSpec.sttm("reference", 0.5), 1);
        try (EncodedVideo video = encode(model);
            PrefixBuild build = model.startPrefix(video, spec)) {
          for (int i = 0; i < steps; i++) {
            build.advance();
          }
        }
        assertThat(torch.liveTensors()).as("after %d steps", steps).isEqualTo(before);
      }
    }
  }

  @Test
  void shouldBuildEveryVariantFromOneEncoding() {
    PrefixSpec all = new PrefixSpec(MergeSpec.none(), 0);
    PrefixSpec half = new PrefixSpec(MergeSpec.sttm("reference", 0.5), 1);
    try (VideoLlm model = VideoLlms.open(CHECKPOINT, torch)) {
      long before = torch.liveTensors();
      List<List<Integer>> alone = new ArrayList<>();
      for (PrefixSpec spec : List.of(all, half)) {
        try (KvPrefix prefix = build(model, spec)) {
          alone.add(answer(model, prefix, "What is it?"));
        }
      }
      try (EncodedVideo video = encode(model);
          KvPrefix first = build(model, video, all);
          KvPrefix second = build(model, video, half)) {
        video.close();
        assertThat(
                List.of(answer(model, first, "What is it?"), answer(model, second, "What is it?")))
            .isEqualTo(alone);
      }
      assertThat(torch.liveTensors()).isEqualTo(before);
    }
  }

  @Test
  void shouldFreeEverythingWhenAnEncodingIsGivenUp() {
    try (VideoLlm model = VideoLlms.open(CHECKPOINT, torch)) {
      long before = torch.liveTensors();
      try (VideoEncoding encoding = model.startEncoding(frames(model))) {
        encoding.advance();
        assertThat(torch.liveTensors()).isGreaterThan(before);
      }
      assertThat(torch.liveTensors()).isEqualTo(before);
    }
  }

  @Test
  void shouldDescribeWhatWasLoaded() {
    try (VideoLlm model = VideoLlms.open(CHECKPOINT, torch)) {
      ModelInfo info = model.info();
      assertThat(info.family()).isEqualTo("qwen2-vl");
      assertThat(info.layers()).isEqualTo(3);
      assertThat(info.digest()).matches("sha256:[0-9a-f]{64}");
      assertThat(info.kvBytesPerToken()).isEqualTo(3 * 2 * 2 * 16 * 4);
      assertThat(model.isStop(588)).isTrue();
      assertThat(model.isStop(40)).isFalse();
    }
  }

  @Test
  void shouldNameTheSupportedModelsWhenAFolderHoldsAnother(@TempDir Path folder)
      throws IOException {
    copy(folder);
    edit(folder, "Qwen2VLForConditionalGeneration", "GptForVideos");
    assertThatThrownBy(() -> VideoLlms.open(folder, torch))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(
            "[LlavaOnevisionForConditionalGeneration, LlavaQwenForCausalLM,"
                + " Qwen2VLForConditionalGeneration, Qwen2_5_VLForConditionalGeneration]")
        .hasMessageContaining("GptForVideos");
  }

  @Test
  void shouldNameTheTensorWhoseShapeIsWrong(@TempDir Path folder) throws IOException {
    copy(folder);
    edit(folder, "\"intermediate_size\": 104", "\"intermediate_size\": 112");
    assertThatThrownBy(() -> VideoLlms.open(folder, torch))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("model.layers.0.mlp.gate_proj.weight")
        .hasMessageContaining("[112, 96]")
        .hasMessageContaining("[104, 96]");
    assertThat(torch.liveTensors()).isZero();
  }

  @Test
  void shouldRefuseAMergeLayerThatTheModelDoesNotHave() {
    try (VideoLlm model = VideoLlms.open(CHECKPOINT, torch);
        EncodedVideo video = encode(model)) {
      assertThatThrownBy(() -> model.startPrefix(video, new PrefixSpec(MergeSpec.none(), 3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("merge layer must be below the model's 3 layers but was 3");
    }
  }

  private static KvPrefix build(VideoLlm model, PrefixSpec spec) {
    try (EncodedVideo video = encode(model)) {
      return build(model, video, spec);
    }
  }

  private static KvPrefix build(VideoLlm model, EncodedVideo video, PrefixSpec spec) {
    try (PrefixBuild build = model.startPrefix(video, spec)) {
      while (!build.advance()) {}
      return build.finish();
    }
  }

  private static EncodedVideo encode(VideoLlm model) {
    try (VideoEncoding encoding = model.startEncoding(frames(model))) {
      while (!encoding.advance()) {}
      return encoding.finish();
    }
  }

  private static VideoFrames frames(VideoLlm model) {
    FrameSize size = model.frameSize(4, 36, 36);
    List<ByteBuffer> rgb = new ArrayList<>();
    for (int f = 0; f < 4; f++) {
      ByteBuffer frame = ByteBuffer.allocateDirect(size.width() * size.height() * 3);
      for (int i = 0; i < frame.capacity(); i++) {
        frame.put(i, (byte) (i * 31 + (f / 2) * (i % 5) * 40));
      }
      rgb.add(frame);
    }
    return new VideoFrames(rgb, size.width(), size.height(), List.of(0.0, 0.5, 1.0, 1.5));
  }

  private static List<Integer> answer(VideoLlm model, KvPrefix prefix, String question) {
    try (Decoding sequence = model.open(prefix, SamplingParams.greedy(), 200)) {
      model.prefill(sequence, model.questionTokens(question));
      return generate(model, sequence);
    }
  }

  /** Tokens and log-probabilities of an answer of a few steps, the prompt fed in two pieces. */
  private static List<TokenChoice> choices(
      VideoLlm model, KvPrefix prefix, @Nullable QuestionReducer reducer) {
    int[] prompt = model.questionTokens("What is it?");
    List<TokenChoice> out = new ArrayList<>();
    try (Decoding sequence =
        reducer == null
            ? model.open(prefix, SamplingParams.greedy(), 200)
            : model.open(prefix, SamplingParams.greedy(), 200, reducer, prompt.length)) {
      model.prefill(sequence, java.util.Arrays.copyOf(prompt, 2));
      model.prefill(sequence, java.util.Arrays.copyOfRange(prompt, 2, prompt.length));
      for (int i = 0; i < 4; i++) {
        out.add(model.sample(sequence));
        model.decode(List.of(sequence), new int[] {out.get(i).token()});
      }
      VisibleTokens visible = sequence.visible();
      if (reducer != null) {
        int before = ((PrefixKv) prefix.state()).visual().count();
        assertThat(visible).isEqualTo(new VisibleTokens(before, reducer.kept(before)));
      }
    }
    return out;
  }

  private static List<Integer> generate(VideoLlm model, Decoding sequence) {
    List<Integer> out = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int token = model.sample(sequence).token();
      out.add(token);
      model.decode(List.of(sequence), new int[] {token});
    }
    return out;
  }

  private static void copy(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(CHECKPOINT)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private static void edit(Path folder, String from, String to) throws IOException {
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(from);
    Files.writeString(config, text.replace(from, to));
  }
}
