package vidfold.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import vidfold.model.BenchShape;
import vidfold.model.ModelBench;
import vidfold.model.SamplingRule;
import vidfold.model.WeightFormat;
import vidfold.server.engine.FrameSource.Clip;
import vidfold.server.video.ClipFile;
import vidfold.server.video.VideoIo;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;
import vidfold.video.Cancellation;
import vidfold.video.FfmpegProgram;
import vidfold.video.SyntheticClip;
import vidfold.video.VideoDecoder;
import vidfold.video.VideoLimits;
import vidfold.video.VideoProbe;

/** {@code vidfold bench}: times a model of a real shape with random weights on this machine. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Time decode, vision, merge, prefill and answers at a published shape.")
final class Bench implements Callable<Integer> {

  private static final long MAX_FRAME_BYTES = 4L << 30;

  @Option(
      names = "--shape",
      defaultValue = "qwen2-vl-2b",
      description =
          "A published shape, such as qwen2-vl-2b, qwen2.5-vl-7b or llava-video-7b"
              + " (default: ${DEFAULT-VALUE}).")
  private String shape = "qwen2-vl-2b";

  @Option(
      names = "--layers",
      defaultValue = "6",
      description = "Decoder layers to build (default: ${DEFAULT-VALUE}).")
  private int layers;

  @Option(
      names = "--vision-blocks",
      defaultValue = "2",
      description = "Vision blocks to build (default: ${DEFAULT-VALUE}).")
  private int visionBlocks;

  @Option(
      names = "--frames",
      defaultValue = "32",
      description = "Frames of the clip (default: ${DEFAULT-VALUE}).")
  private int frames;

  @Option(
      names = "--size",
      defaultValue = "448x448",
      description = "Pixels of the clip, WIDTHxHEIGHT (default: ${DEFAULT-VALUE}).")
  private String size = "448x448";

  @Option(
      names = "--merge-layer",
      defaultValue = "0",
      description = "Decoder layer before which tokens are merged (default: ${DEFAULT-VALUE}).")
  private int mergeLayer;

  @Option(
      names = "--reducer",
      defaultValue = "sttm",
      description = "What merges tokens (default: ${DEFAULT-VALUE}, at any retention).")
  private String reducer = "sttm";

  @Option(
      names = "--retention",
      split = ",",
      defaultValue = "1,0.5,0.3",
      description = "Retentions to measure, one row each (default: ${DEFAULT-VALUE}).")
  private List<Double> retentions = List.of();

  @Option(
      names = "--runs",
      defaultValue = "2",
      description = "Runs, of which the best counts (default: ${DEFAULT-VALUE}).")
  private int runs;

  @Option(
      names = "--device",
      defaultValue = "auto",
      description = "auto, cpu, cuda:N or cuda:N,cuda:M.")
  private String device = "auto";

  @Option(names = "--dtype", defaultValue = "auto", description = "auto, f32 or bf16.")
  private String dtype = "auto";

  @Option(names = "--weights", defaultValue = "stored", description = "stored or int8.")
  private String weights = "stored";

  @Option(names = "--threads", defaultValue = "0", description = "CPU threads; 0 is one a core.")
  private int threads;

  @Option(names = "--json", description = "Also write the figures to this file.")
  private @Nullable Path json;

  @Override
  public Integer call() throws IOException {
    ModelBench.Plan plan =
        new ModelBench.Plan(
            BenchShape.of(shape),
            layers,
            visionBlocks,
            mergeLayer,
            reducer,
            retentions,
            runs,
            WeightFormat.of(weights));
    Torch torch = Torch.start(new TorchConfig(device, dtype, threads));
    try (ModelBench bench = new ModelBench(torch, plan)) {
      Clip clip = clip(bench);
      ModelBench.Ceilings ceilings = bench.ceilings(Math.max(3, runs));
      printSetting(torch, bench, clip, ceilings);
      printHeader();
      List<ModelBench.Row> rows = new ArrayList<>();
      for (double retention : retentions) {
        ModelBench.Row row = bench.measure(clip.frames(), retention, plan, ceilings);
        rows.add(row);
        printRow(row);
      }
      if (json != null) {
        write(json, setting(torch, bench, clip), ceilings, rows);
      }
      System.out.printf("%npeak resident memory %.2f GiB%n", gib(PeakMemory.bytes()));
    } finally {
      torch.close();
    }
    return 0;
  }

  private Clip clip(ModelBench bench) throws IOException {
    String[] sides = size.split("x", -1);
    if (sides.length != 2 || !size.matches("\\d{2,5}x\\d{2,5}")) {
      throw new IllegalArgumentException("size must be WIDTHxHEIGHT but was '" + size + "'");
    }
    FfmpegProgram program = FfmpegProgram.bundled(FfmpegProgram.defaultCacheFolder());
    VideoLimits limits = VideoLimits.defaults();
    VideoIo io =
        new VideoIo(
            new VideoProbe(program, limits), new VideoDecoder(program, limits), bench::frameSize);
    Path file = Files.createTempFile("vidfold-bench", ".mp4");
    try {
      int seconds = Math.max(1, (frames + 1) / 2);
      SyntheticClip.write(
          program,
          new SyntheticClip.Shape(
              Integer.parseInt(sides[0]), Integer.parseInt(sides[1]), seconds, 30),
          file);
      return new ClipFile(io, MAX_FRAME_BYTES)
          .read(file, new SamplingRule(2, 1, frames, true), new Cancellation());
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private void printSetting(
      Torch torch, ModelBench bench, Clip clip, ModelBench.Ceilings ceilings) {
    System.out.printf(
        "%s, %d layers, %d vision blocks, %s, %s, %s weights, decoder of %.2f GiB, PyTorch %s, %d cores%n"
            + "ffmpeg: probe %.0f ms, decode of %d frames %.0f ms%n"
            + "matrix products %.0f GFLOP/s, reading %.1f GB/s%n%n",
        shape,
        layers,
        visionBlocks,
        torch.deviceName(),
        torch.dtype().label(),
        weights,
        gib(bench.decoderBytes()),
        torch.version(),
        Runtime.getRuntime().availableProcessors(),
        clip.probeMillis(),
        clip.frames().rgb().size(),
        clip.decodeMillis(),
        ceilings.gemmGflops(),
        ceilings.readGBs());
  }

  private static double gib(long bytes) {
    return bytes / (double) (1L << 30);
  }

  private static void printHeader() {
    System.out.printf(
        "%9s %7s %7s %9s %8s %9s %8s %7s %9s %9s %9s %7s%n",
        "retention",
        "before",
        "after",
        "vision",
        "merge",
        "prefill",
        "GFLOP/s",
        "of GEMM",
        "cold",
        "warm",
        "token",
        "of read");
  }

  private static void printRow(ModelBench.Row r) {
    System.out.printf(
        "%9.2f %7d %7d %6.0f ms %5.1f ms %6.0f ms %8.0f %6.0f%% %6.0f ms %6.1f ms %6.1f ms %6.0f%%%n",
        r.retention(),
        r.before(),
        r.after(),
        r.vision(),
        r.merge(),
        r.prefill(),
        r.prefillGflops(),
        100 * r.prefillOfGemm(),
        r.coldFirstToken(),
        r.warmFirstToken(),
        r.decodePerToken(),
        100 * r.decodeOfBandwidth());
  }

  private Map<String, Object> setting(Torch torch, ModelBench bench, Clip clip) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("shape", shape);
    out.put("layers", layers);
    out.put("vision_blocks", visionBlocks);
    out.put("merge_layer", mergeLayer);
    out.put("reducer", reducer);
    out.put("device", torch.deviceName());
    out.put("dtype", torch.dtype().label());
    out.put("weights", weights);
    out.put("decoder_bytes", bench.decoderBytes());
    out.put("pytorch", torch.version());
    out.put("cores", Runtime.getRuntime().availableProcessors());
    out.put("java", System.getProperty("java.version", ""));
    out.put("frames", clip.frames().rgb().size());
    out.put("probe_ms", clip.probeMillis());
    out.put("decode_ms", clip.decodeMillis());
    return out;
  }

  private static void write(
      Path to, Map<String, Object> setting, ModelBench.Ceilings ceilings, List<ModelBench.Row> rows)
      throws IOException {
    Map<String, Object> out = new LinkedHashMap<>(setting);
    out.put("ceilings", ceilings);
    out.put("rows", rows);
    out.put("peak_bytes", PeakMemory.bytes());
    new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(to.toFile(), out);
  }
}
