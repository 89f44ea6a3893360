package vidfold.model;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * LLaVA's vision side: SigLIP without its last layer norm, a projector of two linear layers with a
 * GELU between them, and pooling; every frame alone. The tensor code is {@code siglip_vision.py}.
 */
final class SiglipVision implements AutoCloseable {

  private static final int SLOTS = 16;

  private final Torch torch;
  private final LlavaConfig config;
  private final TorchModule script;

  /**
   * Names of the weights.
   *
   * @param tower what stands before {@code embeddings} and {@code encoder}
   * @param first the projector's first layer, with the dot
   * @param second its second layer, with the dot
   * @param newline the newline vector
   */
  record Names(String tower, String first, String second, String newline) {}

  SiglipVision(Torch torch, LlavaConfig config, Weights weights, Names names) {
    this.torch = torch;
    this.config = config;
    this.script = torch.script("SiglipVision", "siglip_vision.py", "weights");
    try {
      loadEnds(weights, names);
      for (int block = 0; block < config.vision().blocks(); block++) {
        loadBlock(weights, names.tower() + "encoder.layers." + block + ".", block * SLOTS);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Encodes n frames.
   *
   * @param frames {@code [image, image, 3]} bytes each
   * @return visual tokens {@code [n * H * W, C]}; the caller closes them
   */
  Tensor encode(List<ByteBuffer> frames) {
    SiglipConfig vision = config.vision();
    try (Tensor pixels = stack(frames)) {
      return script.callTensor(
          "encode",
          pixels,
          vision.patch(),
          vision.heads(),
          vision.normEps(),
          config.pooling().mode().ordinal(),
          config.pooling().stride());
    }
  }

  /**
   * As {@link #encode}, with the attention that each token receives in the last block.
   *
   * @param queries patches whose attention is in memory at a time
   */
  SalientTokens encodeSalient(List<ByteBuffer> frames, int queries) {
    SiglipConfig vision = config.vision();
    try (Tensor pixels = stack(frames)) {
      return SalientTokens.of(
          script.callTensors(
              "encode_salient",
              pixels,
              vision.patch(),
              vision.heads(),
              vision.normEps(),
              config.pooling().mode().ordinal(),
              config.pooling().stride(),
              queries));
    }
  }

  /** The patches of n frames {@code [n, grid * grid, 3*p*p]}, normalised, in f32. */
  Tensor patchify(List<ByteBuffer> frames) {
    try (Tensor pixels = stack(frames)) {
      return script.callTensor("patchify", pixels, config.vision().patch());
    }
  }

  /** Puts the newline vector after each of {@code pieces} equal pieces of {@code [N, C]}. */
  Tensor withNewlines(Tensor visual, int pieces) {
    return script.callTensor("with_newlines", visual, pieces);
  }

  @Override
  public void close() {
    script.call("drop");
    script.close();
  }

  /** The weight under a key, or nothing; the caller closes it. */
  List<Tensor> held(int key) {
    return script.callTensors("held", key);
  }

  private Tensor stack(List<ByteBuffer> frames) {
    int side = config.vision().image();
    return FrameStack.of(torch, frames, side, side);
  }

  private void loadEnds(Weights weights, Names names) {
    SiglipConfig vision = config.vision();
    long e = vision.width();
    long c = config.text().hidden();
    String embeddings = names.tower() + "embeddings.";
    put(-1, flatPatchWeight(weights, embeddings + "patch_embedding.weight"));
    put(-2, weights.load(embeddings + "patch_embedding.bias", e));
    put(-3, weights.load(embeddings + "position_embedding.weight", vision.patches(), e));
    put(-4, weights.load(names.first() + "weight", c, e));
    put(-5, weights.load(names.first() + "bias", c));
    put(-6, weights.load(names.second() + "weight", c, c));
    put(-7, weights.load(names.second() + "bias", c));
    if (config.newline() != NewlineMode.NO_TOKEN) {
      put(-8, weights.load(names.newline(), c));
    }
    put(-9, torch.floats(config.scale().mean(), 3));
    put(-10, torch.floats(config.scale().deviation(), 3));
  }

  private Tensor flatPatchWeight(Weights weights, String name) {
    long p = config.vision().patch();
    try (Tensor kernel = weights.load(name, config.vision().width(), 3, p, p)) {
      return script.callTensor("flat", kernel);
    }
  }

  /** Fuses q, k and v: one matrix product instead of three. */
  private void loadBlock(Weights weights, String name, int base) {
    long e = config.vision().width();
    long f = config.vision().mlp();
    String attention = name + "self_attn.";
    put(base, weights.load(name + "layer_norm1.weight", e));
    put(base + 1, weights.load(name + "layer_norm1.bias", e));
    put(
        base + 2,
        weights.load(attention + "q_proj.weight", e, e),
        weights.load(attention + "k_proj.weight", e, e),
        weights.load(attention + "v_proj.weight", e, e));
    put(
        base + 3,
        weights.load(attention + "q_proj.bias", e),
        weights.load(attention + "k_proj.bias", e),
        weights.load(attention + "v_proj.bias", e));
    put(base + 4, weights.load(attention + "out_proj.weight", e, e));
    put(base + 5, weights.load(attention + "out_proj.bias", e));
    put(base + 6, weights.load(name + "layer_norm2.weight", e));
    put(base + 7, weights.load(name + "layer_norm2.bias", e));
    put(base + 8, weights.load(name + "mlp.fc1.weight", f, e));
    put(base + 9, weights.load(name + "mlp.fc1.bias", f));
    put(base + 10, weights.load(name + "mlp.fc2.weight", e, f));
    put(base + 11, weights.load(name + "mlp.fc2.bias", e));
  }

  private void put(int key, Tensor... parts) {
    try {
      script.call("put", key, List.of(parts));
    } finally {
      Arrays.stream(parts).forEach(Tensor::close);
    }
  }
}
