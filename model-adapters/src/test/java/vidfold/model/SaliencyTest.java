package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** The attention that USTC goes by, against plain attention, on towers of two random blocks. */
class SaliencyTest {

  private static final int WIDTH = 24;
  private static final int HEADS = 3;
  private static final int HEAD_DIM = WIDTH / HEADS;

  private static Torch torch;
  private static WeightLoader loader;

  @BeforeAll
  static void start() {
    torch = Torch.start(TorchConfig.cpuF32());
    loader = new WeightLoader(torch);
  }

  @AfterAll
  static void stop() {
    loader.close();
    assertThat(torch.liveTensors()).isZero();
    torch.close();
  }

  /** Two frames of 5 x 5 patches, resized to 3 x 3 tokens, however many patches ask at a time. */
  @ParameterizedTest
  @ValueSource(ints = {1, 7, 25, 100})
  void shouldBeTheAttentionReceivedInSiglipsLastBlock(int queries) {
    SiglipConfig shape = new SiglipConfig(2, WIDTH, HEADS, 40, 20, 4, 1e-6);
    LlavaConfig config =
        new LlavaConfig(
            "llava-video",
            text(),
            shape,
            PixelScale.gray(0.5f, 0.5f),
            new Pooling(Pooling.Mode.BILINEAR, 2),
            NewlineMode.NO_TOKEN,
            false,
            new SamplingRule(1, 1, 8, false),
            new int[0]);
    PlainVision plain = new PlainVision(HEADS);
    List<ByteBuffer> frames = frames(2, 20, 20);
    try (SiglipVision vision =
        new SiglipVision(
            torch,
            config,
            plain.noting(SaliencyTest::random),
            new SiglipVision.Names("v.", "p1.", "p2.", "newline"))) {
      float[] patches = floats(vision.patchify(frames));
      float[] expected = new float[2 * 9];
      for (int frame = 0; frame < 2; frame++) {
        double[][] x = embedded(plain, "v.embeddings.patch_embedding", patches, frame * 25, 25);
        float[] places = plain.weight("v.embeddings.position_embedding.weight");
        for (int i = 0; i < x.length * WIDTH; i++) {
          x[i / WIDTH][i % WIDTH] +=
              plain.weight("v.embeddings.patch_embedding.bias")[i % WIDTH] + places[i];
        }
        double[][] still = new double[25][HEAD_DIM];
        plain.block(x, PlainVision.Block.siglip("v.encoder.layers.0."), still);
        double[] received = plain.block(x, PlainVision.Block.siglip("v.encoder.layers.1."), still);
        assertThat(Arrays.stream(received).sum()).isBetween(0.999, 1.001);
        for (int i = 0; i < 9; i++) {
          expected[9 * frame + i] = (float) resized(received, i / 3, i % 3);
        }
      }
      SalientTokens both = vision.encodeSalient(frames, queries);
      assertSame(both.tokens(), vision.encode(frames));
      Oracles.assertClose(floats(both.saliency()), expected, 1e-5f);
    }
  }

  /** Two steps of 6 x 4 patches in merge groups of 2 x 2, on axes of rows and columns. */
  @ParameterizedTest
  @ValueSource(ints = {1, 5, 24, 100})
  void shouldBeTheAttentionReceivedInQwen2VlsLastBlock(int queries) {
    VisionConfig config = new VisionConfig(2, WIDTH, HEADS, 2 * WIDTH, 3, 2, 2, 2, 20);
    PlainVision plain = new PlainVision(HEADS);
    FrameSize size = new FrameSize(8, 12);
    List<ByteBuffer> frames = frames(4, size.width(), size.height());
    try (Qwen2VlVision vision =
        new Qwen2VlVision(
            torch, config, plain.noting(SaliencyTest::random), "v.", PixelScale.gray(0.5f, 0.5f))) {
      float[] expected = new float[12];
      for (int step = 0; step < 2; step++) {
        float[] patches = floats(vision.patchify(frames.subList(2 * step, 2 * step + 2), 8, 12));
        double[][] x = embedded(plain, "v.patch_embed.proj", patches, 0, 24);
        double[][] angles = angles(6, 4);
        plain.block(x, PlainVision.Block.qwen2Vl("v.blocks.0."), angles);
        double[] received = plain.block(x, PlainVision.Block.qwen2Vl("v.blocks.1."), angles);
        for (int i = 0; i < 24; i++) {
          expected[6 * step + i / 4] += (float) received[i] / 4;
        }
      }
      SalientTokens both = vision.encodeSalient(frames, size, queries);
      assertSame(both.tokens(), vision.encode(frames, 8, 12));
      Oracles.assertClose(floats(both.saliency()), expected, 1e-5f);
    }
  }

  /** Windows of 2 x 2 and 1 x 2 tokens: the attention that a window pays stays in it. */
  @ParameterizedTest
  @ValueSource(ints = {1, 100})
  void shouldStayInTheWindowsOfATowerThatEndsWithThem(int queries) {
    VisionConfig shape = new VisionConfig(1, WIDTH, HEADS, 9, 3, 2, 2, 2, 20);
    Qwen2VlConfig common =
        new Qwen2VlConfig(text(), shape, PixelScale.gray(0.5f, 0.5f), 1, 1000, 1000, 0);
    Qwen25VlConfig config = new Qwen25VlConfig(common, 2, List.of(), 2);
    List<ByteBuffer> frames = frames(4, 8, 12);
    try (Qwen25VlVision vision = new Qwen25VlVision(torch, config, SaliencyTest::random, "v.")) {
      SalientTokens both = vision.encodeSalient(frames, new FrameSize(8, 12), queries);
      assertSame(both.tokens(), vision.encode(frames, 8, 12));
      float[] found = floats(both.saliency());
      assertThat(found).hasSize(12);
      for (int step = 0; step < 12; step += 6) {
        double upper = found[step] + found[step + 1] + found[step + 2] + found[step + 3];
        double lower = found[step + 4] + found[step + 5];
        assertThat(4 * upper).isBetween(0.9999, 1.0001);
        assertThat(4 * lower).isBetween(0.9999, 1.0001);
      }
    }
  }

  @Test
  void shouldBoundTheWeightsInMemory() {
    assertThat(SalientTokens.queriesAtOnce(16, 1, 729)).isEqualTo((1 << 22) / (16 * 729));
    assertThat(SalientTokens.queriesAtOnce(2, 1, 10)).isEqualTo(10);
    assertThat(SalientTokens.queriesAtOnce(16, 64, 1 << 20)).isEqualTo(1);
  }

  /** Bilinear, half-pixel centres, no antialias: from 5 to 3. */
  private static double resized(double[] from, int row, int column) {
    double y = Math.max(0, (row + 0.5) * 5 / 3 - 0.5);
    double x = Math.max(0, (column + 0.5) * 5 / 3 - 0.5);
    int top = (int) y;
    int left = (int) x;
    int bottom = Math.min(4, top + 1);
    int right = Math.min(4, left + 1);
    double upper = from[5 * top + left] * (1 - x + left) + from[5 * top + right] * (x - left);
    double lower = from[5 * bottom + left] * (1 - x + left) + from[5 * bottom + right] * (x - left);
    return upper * (1 - y + top) + lower * (y - top);
  }

  /** Angles {@code [S][D]} of patches in merge-group order: D/4 by the row, D/4 by the column. */
  private static double[][] angles(int rows, int cols) {
    double[][] out = new double[rows * cols][HEAD_DIM];
    for (int i = 0; i < out.length; i++) {
      int group = i / 4;
      int row = group / (cols / 2) * 2 + i % 4 / 2;
      int column = group % (cols / 2) * 2 + i % 2;
      int quarter = HEAD_DIM / 4;
      for (int k = 0; k < HEAD_DIM; k++) {
        int place = k % (HEAD_DIM / 2);
        double at = place < quarter ? row : column;
        out[i][k] = at / Math.pow(10_000, 2.0 * (place % quarter) / (HEAD_DIM / 2.0));
      }
    }
    return out;
  }

  private static double[][] embedded(
      PlainVision plain, String name, float[] patches, int first, int count) {
    float[] kernel = plain.weight(name + ".weight");
    int size = kernel.length / WIDTH;
    double[][] x = new double[count][];
    for (int i = 0; i < count; i++) {
      double[] patch = new double[size];
      for (int j = 0; j < size; j++) {
        patch[j] = patches[(first + i) * size + j];
      }
      x[i] = PlainVision.times(kernel, patch);
    }
    return x;
  }

  private static Qwen2Config text() {
    return new Qwen2Config(20, 1, 2, 1, 16, 10, 1e-6, 10_000, List.of(5), false, 64);
  }

  private static Tensor random(String name, long... shape) {
    return loader.random(0.4, shape);
  }

  private static List<ByteBuffer> frames(int count, int width, int height) {
    SplittableRandom random = new SplittableRandom(7);
    List<ByteBuffer> out = new ArrayList<>();
    for (int f = 0; f < count; f++) {
      ByteBuffer frame = ByteBuffer.allocateDirect(width * height * 3);
      for (int i = 0; i < frame.capacity(); i++) {
        frame.put(i, (byte) random.nextInt());
      }
      out.add(frame);
    }
    return out;
  }

  private static float[] floats(Tensor tensor) {
    try (tensor) {
      return tensor.toFloats();
    }
  }

  private static void assertSame(Tensor found, Tensor expected) {
    assertThat(floats(found)).containsExactly(floats(expected));
  }
}
