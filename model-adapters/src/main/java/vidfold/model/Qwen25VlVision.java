package vidfold.model;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import vidfold.torch.Dtype;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * Qwen2.5-VL's vision tower (arXiv 2502.13923, section 2.1): as Qwen2-VL's, with RMSNorm, a gated
 * MLP, and attention within windows in all but a few blocks. The tensor code is {@code
 * qwen25vl_vision.py}.
 */
final class Qwen25VlVision implements QwenVision {

  private static final int SLOTS = 16;

  private final Torch torch;
  private final Qwen25VlConfig config;
  private final TorchModule script;

  Qwen25VlVision(Torch torch, Qwen25VlConfig config, Weights weights, String prefix) {
    this.torch = torch;
    this.config = config;
    this.script = torch.script("Qwen25VlVision", "qwen25vl_vision.py", "weights");
    try {
      loadEnds(weights, prefix);
      for (int block = 0; block < shape().depth(); block++) {
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
      return script.callTensor("encode", pixels, sides(), fullBlocks());
    }
  }

  @Override
  public SalientTokens encodeSalient(List<ByteBuffer> frames, FrameSize size, int queries) {
    try (Tensor pixels = FrameStack.of(torch, frames, size.width(), size.height())) {
      return SalientTokens.of(
          script.callTensors("encode_salient", pixels, sides(), fullBlocks(), queries));
    }
  }

  @Override
  public Tensor patchify(List<ByteBuffer> frames, int width, int height) {
    int unit = shape().patch() * shape().merge();
    long[] oneWindow = {0, 1, height / unit, 0, 1, width / unit};
    try (Tensor pixels = FrameStack.of(torch, frames, width, height)) {
      return script.callTensor(
          "patchify",
          pixels,
          oneWindow,
          shape().temporalPatch(),
          shape().patch(),
          shape().merge(),
          Dtype.F32.code());
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

  private VisionConfig shape() {
    return config.common().vision();
  }

  private long[] sides() {
    VisionConfig v = shape();
    return new long[] {v.temporalPatch(), v.patch(), v.merge(), v.heads(), config.window()};
  }

  private long[] fullBlocks() {
    return config.fullBlocks().stream().mapToLong(Integer::longValue).toArray();
  }

  private void loadEnds(Weights weights, String prefix) {
    VisionConfig v = shape();
    long group = (long) v.width() * v.merge() * v.merge();
    String merger = prefix + "merger.";
    put(-1, flatPatchWeight(weights, prefix + "patch_embed.proj.weight"));
    put(-2, weights.load(merger + "ln_q.weight", v.width()));
    put(-3, weights.load(merger + "mlp.0.weight", group, group));
    put(-4, weights.load(merger + "mlp.0.bias", group));
    put(-5, weights.load(merger + "mlp.2.weight", v.out(), group));
    put(-6, weights.load(merger + "mlp.2.bias", v.out()));
    put(-7, torch.floats(v.frequencies(), v.headDim() / 4));
    PixelScale scale = config.common().scale();
    put(-8, torch.floats(scale.mean(), 3));
    put(-9, torch.floats(scale.deviation(), 3));
  }

  private Tensor flatPatchWeight(Weights weights, String name) {
    VisionConfig v = shape();
    try (Tensor kernel =
        weights.load(name, v.width(), v.channels(), v.temporalPatch(), v.patch(), v.patch())) {
      return script.callTensor("flat", kernel);
    }
  }

  private void loadBlock(Weights weights, String name, int base) {
    long e = shape().width();
    long f = shape().mlp();
    put(base, weights.load(name + "norm1.weight", e));
    put(base + 1, weights.load(name + "attn.qkv.weight", 3 * e, e));
    put(base + 2, weights.load(name + "attn.qkv.bias", 3 * e));
    put(base + 3, weights.load(name + "attn.proj.weight", e, e));
    put(base + 4, weights.load(name + "attn.proj.bias", e));
    put(base + 5, weights.load(name + "norm2.weight", e));
    put(
        base + 6,
        weights.load(name + "mlp.gate_proj.weight", f, e),
        weights.load(name + "mlp.up_proj.weight", f, e));
    put(
        base + 7,
        weights.load(name + "mlp.gate_proj.bias", f),
        weights.load(name + "mlp.up_proj.bias", f));
    put(base + 8, weights.load(name + "mlp.down_proj.weight", e, f));
    put(base + 9, weights.load(name + "mlp.down_proj.bias", e));
  }

  private void put(int key, Tensor... parts) {
    try {
      script.call("put", key, List.of(parts));
    } finally {
      Arrays.stream(parts).forEach(Tensor::close);
    }
  }
}
