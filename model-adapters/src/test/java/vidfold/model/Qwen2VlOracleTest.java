package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.merging.MergeSpec;
import vidfold.merging.TokenMergers;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * Qwen2-VL against Hugging Face transformers on a tiny random checkpoint. What made the files, and
 * how, is in {@code src/test/python/README.md}.
 */
class Qwen2VlOracleTest {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen2vl");
  private static final int VIDEO_PAD = 599;

  private static Torch torch;
  private static Checkpoint checkpoint;
  private static Qwen2VlConfig config;
  private static WeightLoader loader;
  private static Qwen2Decoder decoder;
  private static Qwen2VlVision vision;
  private static Qwen2VlAdapter adapter;
  private static TokenMergers mergers;

  @BeforeAll
  static void load() {
    torch = Torch.start(TorchConfig.cpuF32());
    checkpoint = Checkpoint.open(ORACLE.resolve("checkpoint"));
    config = Qwen2VlCheckpoint.config(checkpoint);
    loader = new WeightLoader(torch);
    Weights weights = new CheckpointWeights(checkpoint.weights(), loader);
    decoder = new Qwen2Decoder(torch, config.text(), weights, "model.");
    vision = new Qwen2VlVision(torch, config.vision(), weights, "visual.", config.scale());
    adapter = new Qwen2VlAdapter(torch, config, weights, "visual.");
    mergers = new TokenMergers(torch);
  }

  @AfterAll
  static void close() {
    decoder.close();
    vision.close();
    adapter.close();
    loader.close();
    mergers.close();
    checkpoint.close();
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"video_square", "video_wide", "video_long"})
  void shouldMakeTheSamePixelValues(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      VideoFrames frames = frames(file);
      int depth = config.vision().temporalPatch();
      List<ByteBuffer> pixels = new ArrayList<>(frames.rgb());
      if (pixels.size() % depth != 0) {
        pixels.add(pixels.get(pixels.size() - 1));
      }
      List<Tensor> steps = new ArrayList<>();
      for (int at = 0; at < pixels.size(); at += depth) {
        List<ByteBuffer> step = pixels.subList(at, at + depth);
        steps.add(scope.own(vision.patchify(step, frames.width(), frames.height())));
      }
      Oracles.assertClose(
          scope.own(decoder.cat(steps)).toFloats(),
          Oracles.floats(file, "pixel_values_videos"),
          1e-5f);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"video_square", "video_wide", "video_long"})
  void shouldMakeTheSameVisualTokens(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      Oracles.assertClose(
          visualTokens(file, scope).toFloats(), Oracles.floats(file, "vision_features"), 1e-4f);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"video_square", "video_wide", "video_long", "text_only", "two_turns"})
  void shouldGiveTheSamePositions(String name) {
    try (SafetensorsFile file = open(name)) {
      long[] expected = file.find("position_ids").toLongs();
      Positions found = positions(file);
      int n = found.size();
      assertThat(found.t()).isEqualTo(Arrays.copyOfRange(expected, 0, n));
      assertThat(found.h()).isEqualTo(Arrays.copyOfRange(expected, n, 2 * n));
      assertThat(found.w()).isEqualTo(Arrays.copyOfRange(expected, 2 * n, 3 * n));
      assertThat(found.next()).isEqualTo(Oracles.facts(file).get("next_position").asLong());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"video_square", "video_wide", "video_long", "text_only", "two_turns"})
  void shouldMakeTheSameLogitsAtEveryPosition(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      int[] ids = ids(file);
      int layers = config.text().layers();
      LayerKv kv = decoder.newCache(0, layers, ids.length).in(scope);
      Tensor x = scope.own(embedded(file, scope));
      Tensor out = scope.own(decoder.prefillPrefix(x, positions(file), kv, 0, false));
      Oracles.assertClose(
          scope.own(decoder.logits(out)).toFloats(), Oracles.floats(file, "logits"), 1e-4f);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "video_square, 0, 64", "video_square, 2, 64", "video_square, 1, 7", "video_wide, 0, 16",
    "video_wide, 2, 5", "video_long, 0, 64", "video_long, 1, 9", "two_turns, 2, 11"
  })
  void shouldGenerateTheSameTokensFromACachedPrefix(String name, int mergeLayer, int chunk) {
    try (SafetensorsFile file = open(name)) {
      try (KvPrefix prefix = build(file, mergeLayer, chunk)) {
        int[] ids = ids(file);
        int[] rest = Arrays.copyOfRange(ids, cut(ids), ids.length);
        assertSameTokens(file, (PrefixKv) prefix.state(), rest, chunk);
      }
    }
  }

  @Test
  void shouldGenerateTheSameTokensWithoutAVideo() {
    try (SafetensorsFile file = open("text_only");
        TensorScope scope = new TensorScope()) {
      PrefixKv nothing =
          new PrefixKv(
              decoder.newCache(0, 0, 0).in(scope),
              decoder.newCache(0, config.text().layers(), 0).in(scope),
              0,
              0,
              new int[0],
              new VisualRows(0, Positions.text(0, 0)));
      assertSameTokens(file, nothing, ids(file), 8);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void shouldKeepFewerTokensBelowTheAskedLayerOnly(int mergeLayer) {
    try (SafetensorsFile file = open("video_wide")) {
      KvPrefix.Summary summary;
      try (KvPrefix prefix = build(file, MergeSpec.sttm("strict", 0.5), mergeLayer, 64)) {
        PrefixKv kv = (PrefixKv) prefix.state();
        summary = prefix.summary();
        assertThat(kv.lower().only().shape()[0]).isEqualTo(mergeLayer);
        assertThat(kv.upper().only().shape()[0]).isEqualTo(config.text().layers() - mergeLayer);
        assertThat(kv.upper().only().shape()[3]).isEqualTo(summary.promptTokens());
        if (mergeLayer > 0) {
          assertThat(kv.lower().only().shape()[3])
              .isEqualTo(summary.tokensBefore() + summary.promptTokens() - summary.tokensAfter());
        }
        assertThat(prefix.bytes()).isEqualTo(kv.lower().only().bytes() + kv.upper().only().bytes());
        // Text after the video keeps its ids: the last one is the same with and without merging.
        assertThat(kv.nextLow()).isEqualTo(firstQuestionPosition(file));
      }
      assertThat(summary.tokensAfter()).isLessThan(summary.tokensBefore());
    }
  }

  private static long firstQuestionPosition(SafetensorsFile file) {
    return file.find("position_ids").toLongs()[cut(ids(file))];
  }

  private static void assertSameTokens(
      SafetensorsFile file, PrefixKv prefix, int[] question, int chunk) {
    Oracles.assertGreedyTokens(torch, decoder, prefix, new Oracles.Asked(question, chunk), file);
  }

  private static KvPrefix build(SafetensorsFile file, int mergeLayer, int chunk) {
    return build(file, MergeSpec.none(), mergeLayer, chunk);
  }

  private static KvPrefix build(SafetensorsFile file, MergeSpec merge, int mergeLayer, int chunk) {
    VideoPrefixBuild.Parts parts = new VideoPrefixBuild.Parts(adapter, decoder, mergers, chunk);
    PrefixSpec spec = new PrefixSpec(merge, mergeLayer);
    return Oracles.build(parts, prompt(ids(file)), frames(file), spec);
  }

  private static Prompt prompt(int[] ids) {
    int first = firstPad(ids);
    return new Prompt() {
      @Override
      public int[] beforeVideo() {
        return Arrays.copyOf(ids, first);
      }

      @Override
      public int[] afterVideo(VideoFrames video) {
        return new int[] {ids[cut(ids) - 1]};
      }

      @Override
      public int[] question(String text) {
        throw new AssertionError("not asked");
      }

      @Override
      public int[] nextTurn(String text) {
        throw new AssertionError("not asked");
      }

      @Override
      public int[] answer(String text) {
        throw new AssertionError("not asked");
      }

      @Override
      public boolean isStop(int token) {
        return false;
      }

      @Override
      public AnswerText newAnswerText() {
        throw new AssertionError("not asked");
      }
    };
  }

  private static Tensor embedded(SafetensorsFile file, TensorScope scope) {
    int[] ids = ids(file);
    if (firstPad(ids) < 0) {
      Tensor none = scope.own(torch.floats(new float[0], 0, config.text().hidden()));
      return decoder.join(ids, none, new int[0]);
    }
    int last = cut(ids) - 1;
    return decoder.join(
        Arrays.copyOf(ids, firstPad(ids)),
        visualTokens(file, scope),
        Arrays.copyOfRange(ids, last, ids.length));
  }

  private static Tensor visualTokens(SafetensorsFile file, TensorScope scope) {
    VideoFrames frames = frames(file);
    List<ByteBuffer> pixels = new ArrayList<>(frames.rgb());
    if (pixels.size() % 2 != 0) {
      pixels.add(pixels.get(pixels.size() - 1));
    }
    return scope.own(vision.encode(pixels, frames.width(), frames.height()));
  }

  private static Positions positions(SafetensorsFile file) {
    int[] ids = ids(file);
    int first = firstPad(ids);
    if (first < 0) {
      return Positions.text(0, ids.length);
    }
    int[] grid =
        Arrays.stream(file.find("video_grid_thw").toLongs()).mapToInt(i -> (int) i).toArray();
    Positions head =
        Positions.text(0, first).then(Positions.video(first, grid[0], grid[1] / 2, grid[2] / 2));
    return head.then(Positions.text(head.next(), ids.length - head.size()));
  }

  /** The clip's frames, resized as the server resizes them. */
  private static VideoFrames frames(SafetensorsFile file) {
    long[] shape = file.find("frames").shape();
    FrameSize size = config.frameSize((int) shape[0], (int) shape[2], (int) shape[1]);
    List<ByteBuffer> frames = Oracles.resized(file, size);
    List<Double> times = IntStream.range(0, frames.size()).mapToObj(i -> i * 0.5).toList();
    return new VideoFrames(frames, size.width(), size.height(), times);
  }

  private static int firstPad(int[] ids) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] == VIDEO_PAD) {
        return i;
      }
    }
    return -1;
  }

  /** Where the question starts: one token after the last pad. */
  private static int cut(int[] ids) {
    int at = firstPad(ids);
    while (ids[at] == VIDEO_PAD) {
      at++;
    }
    return at + 1;
  }

  private static SafetensorsFile open(String name) {
    return SafetensorsFile.open(ORACLE.resolve("cases").resolve(name + ".safetensors"));
  }

  private static int[] ids(SafetensorsFile file) {
    return Oracles.ints(file, "input_ids");
  }
}
