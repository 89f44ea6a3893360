package vidfold.merging.benchmark;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergedTokens;
import vidfold.merging.SyntheticTokens;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.torch.Dtype;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** Time of one merge of 14 x 14 tokens a frame with 3584 channels, as a 7B model has them. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {"-Xmx512m", "-Dai.djl.offline=true"})
public class MergeBenchmark {

  private static final int SIDE = 14;

  @Param({"8", "32", "128"})
  public int frames;

  @Param({"3584"})
  public int channels;

  @Param({"F32", "BF16"})
  public Dtype dtype;

  @Param({"strict"})
  public String mode;

  @Param({"sttm", "temporal", "octree", "ustc", "tome", "dycoke", "framefusion", "uniform"})
  public String reducer;

  private Torch torch;
  private TokenMergers mergers;
  private Tensor video;

  @Setup(Level.Trial)
  public void start() {
    torch = Torch.start(TorchConfig.auto());
    mergers = new TokenMergers(torch);
    video = SyntheticTokens.make(torch, dtype, frames, SIDE, SIDE, channels);
  }

  @TearDown(Level.Trial)
  public void stop() {
    video.close();
    mergers.close();
    torch.close();
  }

  /** To half of the tokens. */
  @Benchmark
  public int half() {
    return merge(MergeSpec.of(reducer, mode, .5));
  }

  private int merge(MergeSpec spec) {
    VideoTokens tokens = new VideoTokens(video, frames, SIDE, SIDE);
    try (MergedTokens merged = mergers.create(spec).merge(tokens)) {
      return merged.count();
    }
  }

  /** Runs it; takes JMH's options. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    new Runner(
            new OptionsBuilder()
                .parent(new CommandLineOptions(args))
                .include(MergeBenchmark.class.getSimpleName())
                .build())
        .run();
  }
}
