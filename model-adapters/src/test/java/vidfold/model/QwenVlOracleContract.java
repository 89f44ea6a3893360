package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
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
 * A model of the Qwen2-VL family against Hugging Face transformers on a tiny random checkpoint.
 * What made the files, and how, is in {@code src/test/python/README.md}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class QwenVlOracleContract {

  private static final int VIDEO_PAD = 599;

  private Torch torch;
  private Checkpoint checkpoint;
  private WeightLoader loader;
  private Qwen2Decoder decoder;
  private QwenVision vision;
  private Qwen2VlAdapter adapter;
  private TokenMergers mergers;

  /** The folder with {@code checkpoint} and {@code cases}. */
  abstract Path oracle();

  abstract Qwen2VlAdapter openAdapter(Torch torch, Checkpoint checkpoint, Weights weights);

  abstract QwenVision openVision(Torch torch, Checkpoint checkpoint, Weights weights);

  QwenVision vision() {
    return vision;
  }

  /** Cases with a clip. */
  abstract Stream<String> videos();

  /** One of them that merging halves. */
  abstract String merging();

  /** A case, a merge layer and tokens at once. */
  record Prefilled(String name, int mergeLayer, int chunk) {}

  abstract Stream<Prefilled> prefilled();

  Stream<String> all() {
    return Stream.concat(videos(), Stream.of("text_only", "two_turns"));
  }

  @BeforeAll
  void load() {
    torch = Torch.start(TorchConfig.cpuF32());
    checkpoint = Checkpoint.open(oracle().resolve("checkpoint"));
    loader = new WeightLoader(torch);
    Weights weights = new CheckpointWeights(checkpoint.weights(), loader);
    vision = openVision(torch, checkpoint, weights);
    adapter = openAdapter(torch, checkpoint, weights);
    decoder = new Qwen2Decoder(torch, adapter.text(), weights, "model.");
    mergers = new TokenMergers(torch);
  }

  @AfterAll
  void close() {
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
  @MethodSource("videos")
  void shouldMakeTheSamePixelValues(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      VideoFrames frames = frames(file);
      List<ByteBuffer> pixels = pairs(frames);
      List<Tensor> steps = new ArrayList<>();
      for (int at = 0; at < pixels.size(); at += 2) {
        List<ByteBuffer> step = pixels.subList(at, at + 2);
        steps.add(scope.own(vision.patchify(step, frames.width(), frames.height())));
      }
      boolean whole = file.names().contains("pixel_values_videos");
      assertEndsLike(
          scope.own(decoder.cat(steps)).toFloats(),
          Oracles.floats(file, whole ? "pixel_values_videos" : "pixel_values_last_step"),
          1e-5f);
    }
  }

  @ParameterizedTest
  @MethodSource("videos")
  void shouldMakeTheSameVisualTokens(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      float[] expected = Oracles.floats(file, "vision_features");
      Oracles.assertClose(visualTokens(file, scope).toFloats(), expected, 1e-4f);
    }
  }

  /** Steps do not look at each other, so one at a time gives what all at once give. */
  @ParameterizedTest
  @MethodSource("videos")
  void shouldMakeTheSameVisualTokensStepByStep(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      VideoFrames frames = frames(file);
      List<Tensor> steps = new ArrayList<>();
      for (int step = 0; step < adapter.grid(frames).steps(); step++) {
        steps.add(scope.own(adapter.encode(frames, step, step + 1)));
      }
      float[] expected = Oracles.floats(file, "vision_features");
      Oracles.assertClose(scope.own(decoder.cat(steps)).toFloats(), expected, 1e-4f);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
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
  @MethodSource("all")
  void shouldMakeTheSameLogits(String name) {
    try (SafetensorsFile file = open(name);
        TensorScope scope = new TensorScope()) {
      int[] ids = ids(file);
      int layers = adapter.text().layers();
      LayerKv kv = decoder.newCache(0, layers, ids.length).in(scope);
      Tensor x = scope.own(embedded(file, scope));
      Tensor out = scope.own(decoder.prefillPrefix(x, positions(file), kv, 0, false));
      float[] logits = scope.own(decoder.logits(out)).toFloats();
      assertEndsLike(logits, Oracles.floats(file, "logits"), 1e-4f);
    }
  }

  @ParameterizedTest
  @MethodSource("prefilled")
  void shouldGenerateTheSameTokensFromACachedPrefix(Prefilled as) {
    try (SafetensorsFile file = open(as.name());
        KvPrefix prefix = build(file, MergeSpec.none(), as.mergeLayer(), as.chunk())) {
      int[] ids = ids(file);
      int[] rest = Arrays.copyOfRange(ids, cut(ids), ids.length);
      assertSameTokens(file, (PrefixKv) prefix.state(), rest, as.chunk());
    }
  }

  @Test
  void shouldGenerateTheSameTokensWithoutAVideo() {
    try (SafetensorsFile file = open("text_only");
        TensorScope scope = new TensorScope()) {
      PrefixKv nothing =
          new PrefixKv(
              decoder.newCache(0, 0, 0).in(scope),
              decoder.newCache(0, adapter.text().layers(), 0).in(scope),
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
    try (SafetensorsFile file = open(merging())) {
      KvPrefix.Summary summary;
      try (KvPrefix prefix = build(file, MergeSpec.sttm("strict", 0.5), mergeLayer, 64)) {
        PrefixKv kv = (PrefixKv) prefix.state();
        summary = prefix.summary();
        assertThat(kv.lower().only().shape()[0]).isEqualTo(mergeLayer);
        assertThat(kv.upper().only().shape()[0]).isEqualTo(adapter.text().layers() - mergeLayer);
        assertThat(kv.upper().only().shape()[3]).isEqualTo(summary.promptTokens());
        if (mergeLayer > 0) {
          assertThat(kv.lower().only().shape()[3])
              .isEqualTo(summary.tokensBefore() + summary.promptTokens() - summary.tokensAfter());
        }
        assertThat(prefix.bytes()).isEqualTo(kv.lower().only().bytes() + kv.upper().only().bytes());
        // Text after the video keeps its ids: the last one is the same with and without merging.
        assertThat(kv.nextLow()).isEqualTo(firstQuestionPosition(file));
        assertKeepTheirPlaces(kv.visual().positions(), file);
      }
      assertThat(summary.tokensAfter()).isLessThan(summary.tokensBefore());
    }
  }

  /** Every survivor has the three ids that one of the video's tokens has. */
  private static void assertKeepTheirPlaces(Positions survivors, SafetensorsFile file) {
    long[] all = file.find("position_ids").toLongs();
    int[] ids = ids(file);
    List<List<Long>> places = new ArrayList<>();
    for (int i = firstPad(ids); i < cut(ids) - 1; i++) {
      places.add(List.of(all[i], all[ids.length + i], all[2 * ids.length + i]));
    }
    for (int i = 0; i < survivors.size(); i++) {
      assertThat(places).contains(List.of(survivors.t()[i], survivors.h()[i], survivors.w()[i]));
    }
  }

  private static void assertEndsLike(float[] found, float[] expected, float tolerance) {
    float[] end = Arrays.copyOfRange(found, found.length - expected.length, found.length);
    Oracles.assertClose(end, expected, tolerance);
  }

  private static long firstQuestionPosition(SafetensorsFile file) {
    return file.find("position_ids").toLongs()[cut(ids(file))];
  }

  private void assertSameTokens(SafetensorsFile file, PrefixKv prefix, int[] question, int chunk) {
    Oracles.assertGreedyTokens(torch, decoder, prefix, new Oracles.Asked(question, chunk), file);
  }

  private KvPrefix build(SafetensorsFile file, MergeSpec merge, int mergeLayer, int chunk) {
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

  private Tensor embedded(SafetensorsFile file, TensorScope scope) {
    int[] ids = ids(file);
    if (firstPad(ids) < 0) {
      Tensor none = scope.own(torch.floats(new float[0], 0, adapter.text().hidden()));
      return decoder.join(ids, none, new int[0]);
    }
    int last = cut(ids) - 1;
    return decoder.join(
        Arrays.copyOf(ids, firstPad(ids)),
        visualTokens(file, scope),
        Arrays.copyOfRange(ids, last, ids.length));
  }

  private Tensor visualTokens(SafetensorsFile file, TensorScope scope) {
    VideoFrames frames = frames(file);
    return scope.own(adapter.encode(frames, 0, adapter.grid(frames).steps()));
  }

  private Positions positions(SafetensorsFile file) {
    int[] ids = ids(file);
    int first = firstPad(ids);
    if (first < 0) {
      return Positions.text(0, ids.length);
    }
    VideoFrames frames = frames(file);
    VisualGrid grid = adapter.grid(frames);
    Positions video =
        adapter.positions().video(first, grid, adapter.stepIds(frames), grid.tokens());
    Positions head = Positions.text(0, first).then(video);
    return head.then(Positions.text(head.next(), ids.length - head.size()));
  }

  /** The clip's frames, or those of another case's clip, resized as the server resizes them. */
  VideoFrames frames(SafetensorsFile file) {
    JsonNode facts = Oracles.facts(file);
    if (facts.has("clip")) {
      try (SafetensorsFile other = open(facts.get("clip").asText())) {
        return frames(other);
      }
    }
    long[] shape = file.find("frames").shape();
    FrameSize size = adapter.frameSize((int) shape[0], (int) shape[2], (int) shape[1]);
    List<ByteBuffer> frames = Oracles.resized(file, size);
    double rate = facts.has("fps") ? facts.get("fps").asDouble() : 2;
    List<Double> times = IntStream.range(0, frames.size()).mapToObj(i -> i / rate).toList();
    return new VideoFrames(frames, size.width(), size.height(), times);
  }

  static List<ByteBuffer> pairs(VideoFrames frames) {
    List<ByteBuffer> pixels = new ArrayList<>(frames.rgb());
    if (pixels.size() % 2 != 0) {
      pixels.add(pixels.get(pixels.size() - 1));
    }
    return pixels;
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

  SafetensorsFile open(String name) {
    return SafetensorsFile.open(oracle().resolve("cases").resolve(name + ".safetensors"));
  }

  private static int[] ids(SafetensorsFile file) {
    return Oracles.ints(file, "input_ids");
  }
}
