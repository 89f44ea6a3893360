package vidfold.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.checkpoint.SafetensorsWriter;
import vidfold.checkpoint.StoredTensor;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergedTokens;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * {@code vidfold merge}: runs a reducer on saved visual tokens.
 *
 * <p>Reads {@code video} {@code [T, H, W, C]} (F32, F16 or BF16) and, if it is there, {@code
 * saliency} {@code [T*H*W]} from a safetensors file. Writes {@code merged} {@code [M, C]} as F32,
 * {@code patch_count} {@code [M]}, {@code boxes} {@code [M, 5]}, {@code source_index} {@code [M]}
 * and {@code owner} {@code [T*H*W]} (-1 where a token was dropped) as I64, and how it was done as
 * metadata.
 */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    description = "Run a token reducer on saved visual tokens.")
final class Merge implements Callable<Integer> {

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "Safetensors with 'video' [T, H, W, C].")
  private Path in = Path.of("in.safetensors");

  @Parameters(index = "1", paramLabel = "OUT", description = "Safetensors to write.")
  private Path out = Path.of("out.safetensors");

  @Option(
      names = "--reducer",
      defaultValue = "sttm",
      description = "Name of the reducer (default: ${DEFAULT-VALUE}).")
  private String reducer = "sttm";

  @Option(
      names = "--mode",
      defaultValue = "strict",
      description = "reference or strict (default: ${DEFAULT-VALUE}).")
  private String mode = "strict";

  @Option(
      names = "--retention",
      description = "Share of tokens to keep, in (0, 1], or auto, which is the default.")
  private @Nullable String retention;

  @Option(names = "--spatial-threshold", description = "Cosine at which a cell stays whole.")
  private @Nullable Double spatial;

  @Option(names = "--temporal-threshold", description = "Cosine at which frames merge.")
  private @Nullable Double temporal;

  @Option(names = "--prune-ratio", description = "The published ratio of tome and dycoke.")
  private @Nullable Double pruneRatio;

  @Option(
      names = "--root-level",
      defaultValue = "1",
      description = "Level of the tree's roots, from the coarsest (default: ${DEFAULT-VALUE}).")
  private int rootLevel;

  @Option(names = "--weighted-average", description = "Means count tokens in place of nodes.")
  private boolean weightedAverage;

  @Option(
      names = "--head-dim",
      defaultValue = "0",
      description = "Channels of a head; cosines are means over heads. 0 is whole vectors.")
  private int headDim;

  @Option(names = "--device", defaultValue = "auto", description = "auto, cpu or cuda:N.")
  private String device = "auto";

  @Option(names = "--threads", defaultValue = "0", description = "CPU threads; 0 is one a core.")
  private int threads;

  @Override
  public Integer call() throws IOException {
    Torch torch = Torch.start(new TorchConfig(device, "auto", threads));
    try (SafetensorsFile file = SafetensorsFile.open(in);
        TokenMergers mergers = new TokenMergers(torch);
        TensorScope scope = new TensorScope()) {
      VideoTokens tokens = read(file, torch, scope);
      MergeSpec spec = spec(tokens).with(new MergeSpec.Tree(rootLevel, weightedAverage, headDim));
      try (MergedTokens merged = mergers.create(spec).merge(tokens)) {
        write(spec, tokens, merged);
        System.out.printf(
            "%s: %d of %d tokens, information loss %.4f%n",
            reducer, merged.count(), tokens.count(), mergers.informationLoss(tokens, merged));
      }
    } finally {
      torch.close();
    }
    return 0;
  }

  private static VideoTokens read(SafetensorsFile file, Torch torch, TensorScope scope) {
    StoredTensor video = file.find("video");
    long[] shape = video.shape();
    if (shape.length != 4) {
      throw new IllegalArgumentException(
          "video must be [T, H, W, C] but was " + Arrays.toString(shape));
    }
    Tensor values = scope.own(torch.load(video.map(), video.dtype(), shape));
    Tensor saliency = null;
    if (file.names().contains("saliency")) {
      StoredTensor stored = file.find("saliency");
      saliency = scope.own(torch.load(stored.map(), stored.dtype(), stored.shape()));
    }
    return new VideoTokens(
        values,
        Math.toIntExact(shape[0]),
        Math.toIntExact(shape[1]),
        Math.toIntExact(shape[2]),
        saliency);
  }

  private MergeSpec spec(VideoTokens tokens) {
    long ways =
        java.util.stream.Stream.of(retention, pruneRatio, spatial == null ? temporal : spatial)
            .filter(Objects::nonNull)
            .count();
    if (ways > 1) {
      throw new IllegalArgumentException(
          "expected one of --retention, --prune-ratio and thresholds but found " + ways);
    }
    if (pruneRatio != null) {
      return MergeSpec.pruned(reducer, mode, pruneRatio, tokens);
    }
    if (spatial == null && temporal == null) {
      return retention == null || retention.equals("auto")
          ? MergeSpec.auto(reducer, mode)
          : MergeSpec.of(reducer, mode, share(retention));
    }
    // A threshold that is not given switches its step off.
    double split = spatial == null ? Double.MAX_VALUE : spatial;
    return new MergeSpec(
        reducer, mode, null, new MergeSpec.Thresholds(split, temporal == null ? 0 : temporal));
  }

  private static double share(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "retention must be a number in (0, 1] or auto but was '" + text + "'", e);
    }
  }

  private void write(MergeSpec spec, VideoTokens tokens, MergedTokens merged) throws IOException {
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .metadata("reducer", spec.reducer())
            .metadata("mode", spec.mode())
            .metadata("shape", tokens.t() + "x" + tokens.h() + "x" + tokens.w())
            .metadata("retention_asked", String.valueOf(merged.retention().asked()))
            .metadata("retention_achieved", String.valueOf(merged.retention().achieved()));
    MergeSpec.Thresholds used = merged.retention().thresholds();
    if (used != null) {
      writer
          .metadata("spatial_threshold", String.valueOf(used.spatial()))
          .metadata("temporal_threshold", String.valueOf(used.temporal()));
    }
    int m = merged.count();
    writer
        .add("merged", merged.values().toFloats(), m, tokens.channels())
        .add("patch_count", longs(merged.patchCount()), m)
        .add("boxes", longs(merged.boxes()), m, 5)
        .add("source_index", longs(merged.sourceIndex()), m)
        .add("owner", longs(merged.owner()), tokens.count())
        .write(out);
  }

  private static long[] longs(int[] values) {
    return Arrays.stream(values).asLongStream().toArray();
  }
}
