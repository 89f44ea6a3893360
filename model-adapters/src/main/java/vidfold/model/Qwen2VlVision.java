package vidfold.model;

import java.nio.ByteBuffer;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * Qwen2-VL's vision tower (arXiv 2409.12191, section 2.1): patches of two frames, blocks with 2-D
 * rotary attention inside each temporal step, and a merger of 2x2 patches into one visual token.
 * The tensor code is {@code qwen2vl_vision.py}.
 */
final class Qwen2VlVision implements QwenVision {

  private static final int SLOTS = 16;

  private final Torch torch;
  private final VisionConfig config;
  private final TorchModule script;

  Qwen2VlVision(
      Torch torch, VisionConfig config, Weights weights, String prefix, PixelScale scale) {
    this.torch = torch;
    this.config = config;
    this.script = torch.script("Qwen2VlVision", "qwen2vl_vision.py", "weights");
    try {
      loadEnds(weights, prefix, scale);
      for (int block = 0; block < config.depth(); block++) {
        loadBlock(weights, prefix + "blocks." + block + ".", block * SLOTS);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override
  public Tensor encode(List<ByteBuffer> frames, int width, int height) {
    try (Tensor pixels = FrameStack.of(torch, frames, width, height)) {
      return script.callTensor(
          "encode", pixels, config.temporalPatch(), config.patch(), config.merge(), config.heads());
    }
  }

  @Override
  public SalientTokens encodeSalient(List<ByteBuffer> frames, FrameSize size, int queries) {
    try (Tensor pixels = FrameStack.of(torch, frames, size.width(), size.height())) {
      return SalientTokens.of(
          script.callTensors(
              "encode_salient",
              pixels,
              config.temporalPatch(),
              config.patch(),
              config.merge(),
              config.heads(),
              queries));
    }
  }

  @Override
  public Tensor patchify(List<ByteBuffer> frames, int width, int height) {
    try (Tensor pixels = FrameStack.of(torch, frames, width, height)) {
      return script.callTensor("patchify", pixels, config.patch(), config.merge());
    }
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

  private void loadEnds(Weights weights, String prefix, PixelScale scale) {
    long e = config.width();
    long group = e * config.merge() * config.merge();
    String merger = prefix + "merger.";
    put(-1, flatPatchWeight(weights, prefix + "patch_embed.proj.weight"));
    put(-2, weights.load(merger + "ln_q.weight", e));
    put(-3, weights.load(merger + "ln_q.bias", e));
    put(-4, weights.load(merger + "mlp.0.weight", group, group));
    put(-5, weights.load(merger + "mlp.0.bias", group));
    put(-6, weights.load(merger + "mlp.2.weight", config.out(), group));
    put(-7, weights.load(merger + "mlp.2.bias", config.out()));
    put(-8, torch.floats(config.frequencies(), config.headDim() / 4));
    put(-9, torch.floats(scale.mean(), 3));
    put(-10, torch.floats(scale.deviation(), 3));
  }

  private Tensor flatPatchWeight(Weights weights, String name) {
    try (Tensor kernel =
        weights.load(
            name,
            config.width(),
            config.channels(),
            config.temporalPatch(),
            config.patch(),
            config.patch())) {
      return script.callTensor("flat", kernel);
    }
  }

  private void loadBlock(Weights weights, String name, int base) {
    long e = config.width();
    long f = config.mlp();
    put(base, weights.load(name + "norm1.weight", e));
    put(base + 1, weights.load(name + "norm1.bias", e));
    put(base + 2, weights.load(name + "attn.qkv.weight", 3 * e, e));
    put(base + 3, weights.load(name + "attn.qkv.bias", 3 * e));
    put(base + 4, weights.load(name + "attn.proj.weight", e, e));
    put(base + 5, weights.load(name + "attn.proj.bias", e));
    put(base + 6, weights.load(name + "norm2.weight", e));
    put(base + 7, weights.load(name + "norm2.bias", e));
    put(base + 8, weights.load(name + "mlp.fc1.weight", f, e));
    put(base + 9, weights.load(name + "mlp.fc1.bias", f));
    put(base + 10, weights.load(name + "mlp.fc2.weight", e, f));
    put(base + 11, weights.load(name + "mlp.fc2.bias", e));
  }

  private void put(int key, Tensor value) {
    try (value) {
      script.call("put", key, value);
    }
  }
}
