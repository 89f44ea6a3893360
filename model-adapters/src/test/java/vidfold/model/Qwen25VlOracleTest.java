package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.checkpoint.SafetensorsWriter;
import vidfold.checkpoint.StoredTensor;
import vidfold.merging.MergeSpec;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * Qwen2.5-VL against Hugging Face transformers: grids that windows divide, that they do not, and
 * that are lower than one; temporal ids by the rate of sampling; every layout.
 */
class Qwen25VlOracleTest extends QwenVlOracleContract {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen25vl");
  private static final Path PUBLISHED = ORACLE.resolve("checkpoint");

  @Override
  Path oracle() {
    return ORACLE;
  }

  @Override
  Qwen2VlAdapter openAdapter(Torch torch, Checkpoint checkpoint, Weights weights) {
    return new Qwen25VlAdapter(torch, Qwen25VlCheckpoint.config(checkpoint), weights, "visual.");
  }

  @Override
  QwenVision openVision(Torch torch, Checkpoint checkpoint, Weights weights) {
    return new Qwen25VlVision(torch, Qwen25VlCheckpoint.config(checkpoint), weights, "visual.");
  }

  @Override
  Stream<String> videos() {
    return Stream.of("video_windows", "video_ragged", "video_strip");
  }

  @Override
  String merging() {
    return "video_ragged";
  }

  @Override
  Stream<Prefilled> prefilled() {
    return Stream.of(
        new Prefilled("video_windows", 0, 64),
        new Prefilled("video_windows", 2, 7),
        new Prefilled("video_ragged", 0, 16),
        new Prefilled("video_ragged", 1, 64),
        new Prefilled("video_strip", 0, 9),
        new Prefilled("video_strip", 2, 64),
        new Prefilled("two_turns", 2, 11));
  }

  /** The tower's last block is one that attends within whole steps. */
  @ParameterizedTest
  @MethodSource("videos")
  void shouldFindTheAttentionThatTokensReceive(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      VideoFrames frames = frames(file);
      List<ByteBuffer> pixels = pairs(frames);
      FrameSize size = new FrameSize(frames.width(), frames.height());
      for (int queries : new int[] {1, 7, 1000}) {
        SalientTokens both = vision().encodeSalient(pixels, size, queries);
        float[] tokens = scope.own(both.tokens()).toFloats();
        Oracles.assertClose(tokens, Oracles.floats(file, "vision_features"), 1e-4f);
        float[] found = scope.own(both.saliency()).toFloats();
        Oracles.assertClose(found, Oracles.floats(file, "saliency"), 1e-6f);
      }
    }
  }

  @Test
  void shouldCountTheTimeOfFramesAtEveryRate() throws IOException {
    JsonNode rows = new ObjectMapper().readTree(ORACLE.resolve("cases/temporal_ids.json").toFile());
    assertThat(rows).hasSizeGreaterThan(5);
    try (Torch torch = Torch.start(TorchConfig.cpuF32());
        Adapter adapter = BenchShape.QWEN25_VL_3B.adapter(torch, ones(torch), 1, 1)) {
      for (JsonNode row : rows) {
        long[] expected =
            LongStream.range(0, row.get("ids").size())
                .map(i -> row.get("ids").get((int) i).asLong())
                .toArray();
        double rate = row.get("fps").asDouble();
        for (double start : new double[] {0, 3.7}) {
          List<Double> times =
              LongStream.range(0, 2 * expected.length).mapToObj(i -> start + i / rate).toList();
          assertThat(adapter.stepIds(frames(times))).as("fps %s", rate).isEqualTo(expected);
        }
      }
      assertThat(adapter.stepIds(frames(List.of(0.0, 0.4, 2.6, 2.6)))).containsExactly(0, 5);
    }
  }

  /** What transformers 5 saves, and the names that it uses itself, give the same answers. */
  @Test
  void shouldAnswerAlikeFromEveryLayout(@TempDir Path saved, @TempDir Path nested)
      throws IOException {
    copy(PUBLISHED, saved, "model.safetensors", "tokenizer.json", "tokenizer_config.json");
    copy(ORACLE.resolve("saved"), saved, "config.json", "processor_config.json");
    copy(ORACLE.resolve("saved"), saved, "chat_template.jinja");
    copy(PUBLISHED, saved, "generation_config.json");
    copy(saved, nested, "tokenizer.json", "config.json", "processor_config.json");
    copy(saved, nested, "chat_template.jinja", "generation_config.json");
    rename(
        nested,
        name ->
            name.startsWith("visual.")
                ? "model." + name
                : name.replaceFirst("^model\\.", "model.language_model."));
    try (Torch torch = Torch.start(TorchConfig.cpuF32())) {
      List<Integer> expected = answer(torch, PUBLISHED);
      assertThat(new HashSet<>(expected)).hasSizeGreaterThan(3);
      assertThat(answer(torch, saved)).isEqualTo(expected);
      assertThat(answer(torch, nested)).isEqualTo(expected);
      assertThat(torch.liveTensors()).isZero();
    }
  }

  @Test
  void shouldReadVideosWithinTheBoundsOfTheRelease(@TempDir Path folder) throws IOException {
    copy(PUBLISHED, folder, "config.json", "preprocessor_config.json", "model.safetensors");
    try (Checkpoint own = Checkpoint.open(PUBLISHED);
        Checkpoint published = Checkpoint.open(folder)) {
      assertThat(Qwen25VlCheckpoint.config(own).common().maxPixels()).isEqualTo(4500);
      Qwen2VlConfig common = Qwen25VlCheckpoint.config(published).common();
      assertThat(common.minPixels()).isEqualTo(128 * 144);
      assertThat(common.maxPixels()).isEqualTo(768 * 144);
      assertThat(common.maxVideoTokens()).isEqualTo(128_000);
    }
  }

  @Test
  void shouldNameWhatItCannotUse(@TempDir Path folder) throws IOException {
    copy(PUBLISHED, folder, "model.safetensors");
    String config = Files.readString(PUBLISHED.resolve("config.json"));
    for (String[] edit :
        new String[][] {
          {"\"window_size\": 28", "\"window_size\": 11", "vision_config.window_size"},
          {"\"tokens_per_second\": 2", "\"tokens_per_second\": 0", "tokens_per_second"},
          {"\"out_hidden_size\": 64", "\"out_hidden_size\": 60", "hidden_size 64 but is 60"},
          {"\"silu\",\n  \"hidden_size\": 32", "\"gelu\",\n  \"hidden_size\": 32", "expected silu"}
        }) {
      assertThat(config).contains(edit[0]);
      Files.writeString(folder.resolve("config.json"), config.replace(edit[0], edit[1]));
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        assertThatThrownBy(() -> Qwen25VlCheckpoint.config(checkpoint))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining("config.json")
            .hasMessageContaining(edit[2]);
      }
    }
  }

  private static List<Integer> answer(Torch torch, Path folder) {
    try (VideoLlm model = VideoLlms.open(folder, torch);
        VideoEncoding encoding = model.startEncoding(clip(model), false)) {
      assertThat(model.info().family()).isEqualTo("qwen2.5-vl");
      while (!encoding.advance()) {}
      PrefixSpec spec = new PrefixSpec(MergeSpec.none(), 1);
      try (EncodedVideo video = encoding.finish();
          PrefixBuild build = model.startPrefix(video, spec)) {
        while (!build.advance()) {}
        try (KvPrefix prefix = build.finish();
            Decoding sequence = model.open(prefix, SamplingParams.greedy(), 100)) {
          model.prefill(sequence, model.questionTokens("What is it?"));
          List<Integer> tokens = new ArrayList<>();
          for (int i = 0; i < 6; i++) {
            tokens.add(model.sample(sequence).token());
            model.decode(List.of(sequence), new int[] {tokens.get(i)});
          }
          return tokens;
        }
      }
    }
  }

  private static VideoFrames clip(VideoLlm model) {
    FrameSize size = model.frameSize(2, 100, 70);
    ByteBuffer frame = ByteBuffer.allocateDirect(size.width() * size.height() * 3);
    for (int i = 0; i < frame.capacity(); i++) {
      frame.put(i, (byte) (i * 31 + i / 500));
    }
    return new VideoFrames(List.of(frame, frame), size.width(), size.height(), List.of(0.0, 0.5));
  }

  private static VideoFrames frames(List<Double> times) {
    ByteBuffer frame = ByteBuffer.allocateDirect(28 * 28 * 3);
    return new VideoFrames(times.stream().map(t -> frame).toList(), 28, 28, times);
  }

  private static Weights ones(Torch torch) {
    return (name, shape) -> {
      long[] sides = new long[shape.length];
      Arrays.fill(sides, 1);
      return torch.floats(new float[1], sides);
    };
  }

  private static void copy(Path from, Path to, String... names) throws IOException {
    for (String name : names) {
      Files.copy(from.resolve(name), to.resolve(name));
    }
  }

  private static void rename(Path folder, UnaryOperator<String> rename) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile file = SafetensorsFile.open(PUBLISHED.resolve("model.safetensors"))) {
      for (String name : file.names()) {
        StoredTensor tensor = file.find(name);
        ByteBuffer raw = tensor.map().get(0);
        byte[] bytes = new byte[raw.remaining()];
        raw.get(bytes);
        writer.add(rename.apply(name), tensor.dtype(), bytes, tensor.shape());
      }
      writer.write(folder.resolve("model.safetensors"));
    }
  }
}
