package vidfold.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergedTokens;
import vidfold.merging.SyntheticTokens;
import vidfold.merging.TokenMerger;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** {@code vidfold merge-bench}: times every reducer over videos of growing length. */
@Command(
    name = "merge-bench",
    mixinStandardHelpOptions = true,
    description = "Time token reducers over synthetic visual tokens of growing number.")
final class MergeBench implements Callable<Integer> {

  @Option(
      names = "--reducers",
      split = ",",
      defaultValue = "sttm,temporal,octree,ustc,tome,dycoke,framefusion,uniform",
      description = "Reducers to measure (default: ${DEFAULT-VALUE}).")
  private List<String> reducers = List.of();

  @Option(names = "--mode", defaultValue = "strict", description = "reference or strict.")
  private String mode = "strict";

  @Option(
      names = "--frames",
      split = ",",
      defaultValue = "8,32,64,128,180",
      description = "Temporal steps, ascending (default: ${DEFAULT-VALUE}).")
  private List<Integer> frames = List.of();

  @Option(
      names = "--grids",
      split = ",",
      defaultValue = "14x14,20x36",
      description = "Token grids, ROWSxCOLUMNS (default: ${DEFAULT-VALUE}).")
  private List<String> grids = List.of();

  @Option(names = "--channels", defaultValue = "896", description = "Channels of a token.")
  private int channels;

  @Option(
      names = "--retention",
      split = ",",
      defaultValue = "0.3",
      description = "Shares to keep (default: ${DEFAULT-VALUE}).")
  private List<Double> retentions = List.of();

  @Option(names = "--runs", defaultValue = "3", description = "Runs, of which the best counts.")
  private int runs;

  @Option(
      names = "--limit",
      defaultValue = "30",
      description = "Seconds; a reducer stops growing after a run that took longer.")
  private double limit;

  @Option(names = "--device", defaultValue = "auto", description = "auto, cpu or cuda:N.")
  private String device = "auto";

  @Option(names = "--dtype", defaultValue = "auto", description = "auto, f32 or bf16.")
  private String dtype = "auto";

  @Option(names = "--threads", defaultValue = "0", description = "CPU threads; 0 is one a core.")
  private int threads;

  @Option(names = "--json", description = "Also write the figures to this file.")
  private @Nullable Path json;

  /**
   * One measurement.
   *
   * @param millis best of the runs
   * @param peakMb resident memory at the peak beyond that before the first run, in MB; null on a
   *     GPU or where unknown. What earlier rows left to the allocator counts as held before, so for
   *     a figure to publish measure one reducer at one size
   * @param achieved M / N
   * @param informationLoss 1 - mean cosine of tokens with their survivors
   * @param growth exponent of time over N since the row before; null for the first of a grid
   */
  record Row(
      String reducer,
      double retention,
      String shape,
      int tokens,
      double millis,
      @Nullable Double peakMb,
      double achieved,
      double informationLoss,
      @Nullable Double growth) {}

  @Override
  public Integer call() throws IOException {
    Torch torch = Torch.start(new TorchConfig(device, dtype, threads));
    try (TokenMergers mergers = new TokenMergers(torch)) {
      System.out.printf(
          "%d channels, %s, %s, PyTorch %s, %d cores%n%n",
          channels,
          torch.deviceName(),
          torch.dtype().label(),
          torch.version(),
          Runtime.getRuntime().availableProcessors());
      System.out.printf(
          "%-12s %9s %10s %8s %10s %9s %9s %7s %7s%n",
          "reducer",
          "retention",
          "T x H x W",
          "tokens",
          "ms",
          "peak MB",
          "achieved",
          "loss",
          "grows");
      List<Row> rows = new ArrayList<>();
      for (String grid : grids) {
        for (double retention : retentions) {
          for (String reducer : reducers) {
            rows.addAll(grow(torch, mergers, MergeSpec.of(reducer, mode, retention), grid));
          }
        }
      }
      if (json != null) {
        write(json, torch, rows);
      }
    } finally {
      torch.close();
    }
    return 0;
  }

  private List<Row> grow(Torch torch, TokenMergers mergers, MergeSpec spec, String grid) {
    if (!grid.matches("\\d{1,4}x\\d{1,4}")) {
      throw new IllegalArgumentException("grid must be ROWSxCOLUMNS but was '" + grid + "'");
    }
    int h = Integer.parseInt(grid.substring(0, grid.indexOf('x')));
    int w = Integer.parseInt(grid.substring(grid.indexOf('x') + 1));
    List<Row> rows = new ArrayList<>();
    Row last = null;
    for (int t : frames) {
      if (last != null && last.millis > 1000 * limit) {
        System.out.printf("%-12s stops here: more than %.0f s%n", spec.reducer(), limit);
        break;
      }
      try (Tensor values = SyntheticTokens.make(torch, torch.dtype(), t, h, w, channels)) {
        last = measure(torch, mergers, spec, new VideoTokens(values, t, h, w), last);
      }
      rows.add(last);
      print(last);
    }
    return rows;
  }

  private Row measure(
      Torch torch, TokenMergers mergers, MergeSpec spec, VideoTokens tokens, @Nullable Row last) {
    TokenMerger merger = mergers.create(spec);
    long before = PeakMemory.reset();
    double best = millis(torch, merger, tokens);
    if (best < 1000 * limit) {
      best = Double.POSITIVE_INFINITY;
      for (int run = 0; run < runs; run++) {
        best = Math.min(best, millis(torch, merger, tokens));
      }
    }
    long peak = PeakMemory.bytes();
    boolean known = before >= 0 && peak >= 0 && !torch.onGpu();
    Double grows =
        last == null
            ? null
            : Math.log(best / last.millis) / Math.log((double) tokens.count() / last.tokens);
    try (MergedTokens merged = merger.merge(tokens)) {
      return new Row(
          spec.reducer(),
          java.util.Objects.requireNonNull(spec.retention()),
          tokens.t() + "x" + tokens.h() + "x" + tokens.w(),
          tokens.count(),
          best,
          known ? (peak - before) / 1e6 : null,
          merged.retention().achieved(),
          mergers.informationLoss(tokens, merged),
          grows);
    }
  }

  /** Time of one merge, after which a GPU has no work left. */
  private static double millis(Torch torch, TokenMerger merger, VideoTokens tokens) {
    long start = System.nanoTime();
    try (MergedTokens merged = merger.merge(tokens)) {
      torch.await();
      return (System.nanoTime() - start) / 1e6;
    }
  }

  private static void print(Row row) {
    System.out.printf(
        "%-12s %9.3f %10s %8d %10.1f %9s %9.5f %7.4f %7s%n",
        row.reducer,
        row.retention,
        row.shape,
        row.tokens,
        row.millis,
        row.peakMb == null ? "-" : "%.1f".formatted(row.peakMb),
        row.achieved,
        row.informationLoss,
        row.growth == null ? "-" : "%.2f".formatted(row.growth));
  }

  private void write(Path to, Torch torch, List<Row> rows) throws IOException {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("channels", channels);
    out.put("mode", mode);
    out.put("device", torch.deviceName());
    out.put("dtype", torch.dtype().label());
    out.put("pytorch", torch.version());
    out.put("cores", Runtime.getRuntime().availableProcessors());
    out.put("java", System.getProperty("java.version", ""));
    out.put("runs", runs);
    out.put("rows", rows);
    new ObjectMapper()
        .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(to.toFile(), out);
  }
}
