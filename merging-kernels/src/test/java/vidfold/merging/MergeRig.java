package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;
import vidfold.torch.TorchModule;

/** Torch on the CPU, the reducers, and calls that take videos from the heap. */
final class MergeRig implements AutoCloseable {

  private static final String CASTS =
      """
      class Casts(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def cast(self: __torch__.Casts, x: Tensor, dtype: int) -> Tensor:
          return torch.to(x, dtype, False, False, None)
      """;

  private final Torch torch = Torch.start(TorchConfig.cpuF32());
  private final TorchModule casts = torch.module("Casts", CASTS);
  private final TokenMergers mergers = new TokenMergers(torch);

  /** Survivors with their values read back. */
  record Outcome(MergedTokens tokens, float[] values) {}

  TokenMergers mergers() {
    return mergers;
  }

  Torch torch() {
    return torch;
  }

  static MergeSpec at(SttmOptions options, double spatial, double temporal) {
    return new MergeSpec(
        "sttm",
        options.strict() ? "strict" : "reference",
        null,
        new MergeSpec.Thresholds(spatial, temporal));
  }

  static SttmOptions options(boolean strict) {
    return new SttmOptions(strict, 1, false);
  }

  Outcome merge(Video video, SttmOptions options, double spatial, double temporal) {
    return merge(video, mergers.create(at(options, spatial, temporal), options));
  }

  Outcome merge(Video video, TokenMerger merger) {
    try (Tensor values = torch.floats(video.values(), video.t(), video.h(), video.w(), video.c())) {
      return merge(values, video, merger);
    }
  }

  Outcome merge(Video video, float[] saliency, TokenMerger merger) {
    try (Tensor values = torch.floats(video.values(), video.t(), video.h(), video.w(), video.c());
        Tensor weights = torch.floats(saliency, saliency.length);
        MergedTokens merged =
            merger.merge(new VideoTokens(values, video.t(), video.h(), video.w(), weights))) {
      return new Outcome(merged, merged.values().toFloats());
    }
  }

  /** By the published code's pruning ratio. */
  Outcome mergePruned(Video video, String reducer, double ratio) {
    try (Tensor values = torch.floats(video.values(), video.t(), video.h(), video.w(), video.c())) {
      VideoTokens tokens = new VideoTokens(values, video.t(), video.h(), video.w());
      return merge(
          values, video, mergers.create(MergeSpec.pruned(reducer, "reference", ratio, tokens)));
    }
  }

  Outcome mergeBf16(Video video, TokenMerger merger) {
    try (Tensor values = torch.floats(video.values(), video.t(), video.h(), video.w(), video.c());
        Tensor bf16 = casts.callTensor("cast", values, 15)) {
      return merge(bf16, video, merger);
    }
  }

  /** The video's values as bf16 carries them. */
  Video throughBf16(Video video) {
    try (Tensor values = torch.floats(video.values(), video.values().length);
        Tensor bf16 = casts.callTensor("cast", values, 15)) {
      return new Video(bf16.toFloats(), video.t(), video.h(), video.w(), video.c());
    }
  }

  private Outcome merge(Tensor values, Video video, TokenMerger merger) {
    try (MergedTokens merged =
        merger.merge(new VideoTokens(values, video.t(), video.h(), video.w()))) {
      assertThat(merged.values().dtype()).isEqualTo(values.dtype());
      assertThat(merged.values().shape()).containsExactly(merged.count(), video.c());
      return new Outcome(merged, merged.values().toFloats());
    }
  }

  @Override
  public void close() {
    assertThat(torch.liveTensors()).isZero();
    mergers.close();
    casts.close();
    torch.close();
  }
}
