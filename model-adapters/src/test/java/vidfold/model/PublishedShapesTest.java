package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.SafetensorsWriter;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * The names and shapes that the adapters ask for, against every parameter that transformers finds
 * in each published checkpoint. What made the lists is in {@code src/test/python/README.md}.
 */
class PublishedShapesTest {

  private static final Path PUBLISHED = Path.of("src/test/resources/published");
  private static final Path TOKENIZERS = Path.of("src/test/resources/oracle");

  private static Torch torch;

  @TempDir private Path folder;

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
  @ValueSource(
      strings = {
        "qwen2-vl-2b",
        "qwen2-vl-7b",
        "qwen2-vl-72b",
        "qwen2.5-vl-3b",
        "qwen2.5-vl-7b",
        "llava-onevision-0.5b-hf",
        "llava-onevision-7b-hf",
        "llava-onevision-72b-hf",
        "llava-onevision-0.5b",
        "llava-onevision-7b",
        "llava-video-7b",
        "llava-video-72b"
      })
  void shouldAskForExactlyWhatIsPublished(String name) throws IOException {
    Map<String, String> asked = new TreeMap<>();
    load(name, recording(asked)).close();
    Map<String, String> published = published(name);
    // The layer norm behind the tower's last block, which these models were trained without.
    published.keySet().removeIf(weight -> weight.contains(".post_layernorm."));
    assertThat(asked).isEqualTo(published);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "qwen2-vl-2b",
        "qwen2-vl-7b",
        "qwen2-vl-72b",
        "qwen2.5-vl-3b",
        "qwen2.5-vl-7b",
        "llava-onevision-0.5b",
        "llava-onevision-7b",
        "llava-onevision-72b-hf",
        "llava-video-7b",
        "llava-video-72b"
      })
  void shouldBenchTheDecoderThatIsPublished(String name) throws IOException {
    try (Qwen2VideoLlm.Parts parts = load(name, recording(new TreeMap<>()))) {
      Qwen2Config published = parts.adapter().text();
      Qwen2Config bench = BenchShape.of(name.replace("-hf", "")).text();
      assertThat(bench.hidden()).isEqualTo(published.hidden());
      assertThat(bench.layers()).isEqualTo(published.layers());
      assertThat(bench.heads()).isEqualTo(published.heads());
      assertThat(bench.kvHeads()).isEqualTo(published.kvHeads());
      assertThat(bench.intermediate()).isEqualTo(published.intermediate());
      assertThat(bench.tiedHead()).isEqualTo(published.tiedHead());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "qwen2-vl-2b, 2",
    "qwen2-vl-7b, 2",
    "qwen2-vl-72b, 0",
    "qwen2.5-vl-3b, 2",
    "llava-onevision-0.5b, 2",
    "llava-video-7b, 2",
    "llava-video-72b, 0",
    "llava-onevision-72b-hf, 0"
  })
  void shouldMergeWhereThePaperDoes(String name, int layer) throws IOException {
    try (Qwen2VideoLlm.Parts parts = load(name, recording(new TreeMap<>()))) {
      assertThat(parts.adapter().text().publishedMergeLayer()).isEqualTo(layer);
    }
  }

  @Test
  void shouldReadTheSettingsOfLlavaVideo() throws IOException {
    try (Qwen2VideoLlm.Parts parts = load("llava-video-7b", recording(new TreeMap<>()))) {
      Adapter adapter = parts.adapter();
      assertThat(adapter.family()).isEqualTo("llava-video");
      assertThat(adapter.samplingRule()).isEqualTo(new SamplingRule(1, 64, 128, false));
      assertThat(adapter.frameSize(64, 1920, 1080)).isEqualTo(new FrameSize(384, 384));
      assertThat(adapter.text().ropeTheta()).isEqualTo(1e6);
      assertThat(adapter.text().ropeSections()).containsExactly(64);
    }
  }

  @Test
  void shouldReadTheSettingsOfQwen25Vl() throws IOException {
    try (Qwen2VideoLlm.Parts parts = load("qwen2.5-vl-7b", recording(new TreeMap<>()))) {
      Adapter adapter = parts.adapter();
      assertThat(adapter.family()).isEqualTo("qwen2.5-vl");
      assertThat(adapter.samplingRule()).isEqualTo(new SamplingRule(2, 4, 768, true));
      assertThat(adapter.text().contextLength()).isEqualTo(128_000);
      assertThat(adapter.frameSize(16, 1920, 1080)).isEqualTo(new FrameSize(1008, 560));
      assertThat(adapter.frameSize(768, 1920, 1080)).isEqualTo(new FrameSize(644, 336));
      assertThat(adapter.frameSize(16, 160, 120)).isEqualTo(new FrameSize(392, 280));
    }
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      Qwen25VlConfig config = Qwen25VlCheckpoint.config(checkpoint);
      Qwen25VlConfig bench = BenchShape.QWEN25_VL_7B.config25(28, 32);
      assertThat(config.common().vision()).isEqualTo(bench.common().vision());
      assertThat(config.window()).isEqualTo(bench.window()).isEqualTo(4);
      assertThat(config.fullBlocks()).isEqualTo(bench.fullBlocks()).containsExactly(7, 15, 23, 31);
      assertThat(config.tokensPerSecond()).isEqualTo(bench.tokensPerSecond()).isEqualTo(2);
    }
  }

  private Qwen2VideoLlm.Parts load(String name, Weights weights) throws IOException {
    Files.copy(PUBLISHED.resolve(name + ".json"), folder.resolve("config.json"));
    boolean qwen = name.startsWith("qwen");
    Path tokenizer = TOKENIZERS.resolve(qwen ? "qwen2vl" : "llava").resolve("checkpoint");
    for (String file : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(tokenizer.resolve(file), folder.resolve(file));
    }
    if (!qwen) {
      Files.copy(tokenizer.resolve("chat_template.json"), folder.resolve("chat_template.json"));
    }
    new SafetensorsWriter().add("none", new float[1], 1).write(folder.resolve("model.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return VideoLlms.load(checkpoint, torch, weights, LoadOptions.stored());
    }
  }

  /** Weights of one element, with as many dimensions as are asked for. */
  private static Weights recording(Map<String, String> asked) {
    return (name, shape) -> {
      asked.put(name, text(shape));
      long[] ones = new long[shape.length];
      Arrays.fill(ones, 1);
      return one(ones);
    };
  }

  private static Tensor one(long... shape) {
    return torch.floats(new float[1], shape);
  }

  private static Map<String, String> published(String name) throws IOException {
    Map<String, String> shapes = new TreeMap<>();
    for (String line : Files.readAllLines(PUBLISHED.resolve(name + ".txt"))) {
      String[] fields = line.split(" ");
      for (int layer = 0; layer < Integer.parseInt(fields[0]); layer++) {
        shapes.put(fields[1].replace("*", Integer.toString(layer)), fields[2]);
      }
    }
    return shapes;
  }

  private static String text(long... shape) {
    return LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining(","));
  }
}
