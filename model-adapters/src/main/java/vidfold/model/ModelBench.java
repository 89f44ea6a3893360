package vidfold.model;

import java.util.Arrays;
import java.util.List;
import vidfold.merging.MergeSpec;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/**
 * Times one video and its questions through a model of a published shape with random weights:
 * vision, merge, prefill, first token cold and warm, decode; and the machine's ceilings through the
 * same engine. Nothing is asserted: the figures depend on the machine.
 */
public final class ModelBench implements AutoCloseable {

  private static final int QUESTION_TOKENS = 64;
  private static final int ANSWER_TOKENS = 16;

  private final Torch torch;
  private final Qwen2Config text;
  private final WeightLoader loader;
  private final Qwen2Decoder decoder;
  private final Qwen2VideoLlm model;

  /**
   * What to measure.
   *
   * @param layers decoder layers to build
   * @param visionBlocks vision blocks to build
   * @param mergeLayer where merging happens
   * @param reducer what merges
   * @param retentions one row each; 1 is no merging
   * @param runs the best of so many
   * @param weights how the decoder's linear layers are kept
   */
  public record Plan(
      BenchShape shape,
      int layers,
      int visionBlocks,
      int mergeLayer,
      String reducer,
      List<Double> retentions,
      int runs,
      WeightFormat weights) {
    public Plan {
      retentions = List.copyOf(retentions);
      if (layers < 1 || layers > shape.layers() || mergeLayer < 0 || mergeLayer >= layers) {
        throw new IllegalArgumentException(
            "layers must be 1 to %d and the merge layer below them, but were %d and %d"
                .formatted(shape.layers(), layers, mergeLayer));
      }
    }
  }

  /**
   * Ceilings of the machine.
   *
   * @param gemmGflops matrix products of the prefill's shape, in the model's dtype
   * @param readGBs reading weights once
   */
  public record Ceilings(double gemmGflops, double readGBs) {}

  /**
   * One retention's figures; times in milliseconds.
   *
   * @param prefillGflops floating-point operations of the prefill over its time
   * @param prefillOfGemm the same as a share of the GEMM rate
   * @param coldFirstToken vision, merge, prefill, question and first token
   * @param warmFirstToken question and first token on the cached prefix
   * @param decodeOfBandwidth bytes of weights and KV over the time of one token, as a share of the
   *     read rate
   */
  public record Row(
      double retention,
      int before,
      int after,
      double vision,
      double merge,
      double prefill,
      double prefillGflops,
      double prefillOfGemm,
      double coldFirstToken,
      double warmFirstToken,
      double decodePerToken,
      double decodeOfBandwidth) {}

  /** Builds the model. */
  public ModelBench(Torch torch, Plan plan) {
    plan.weights().requireOn(torch);
    this.torch = torch;
    this.loader = new WeightLoader(torch);
    Weights weights = new RandomWeights(loader);
    Adapter adapter = plan.shape().adapter(torch, weights, plan.layers(), plan.visionBlocks());
    this.text = adapter.text();
    Qwen2VideoLlm.Parts parts =
        Qwen2VideoLlm.Parts.load(
            FixedPrompt::new,
            () -> adapter,
            () ->
                new Qwen2Decoder(
                    torch,
                    text,
                    weights,
                    "model.",
                    DecoderLayout.of(torch, text, new LoadOptions(plan.weights(), 0))));
    this.decoder = parts.decoder();
    this.model =
        new Qwen2VideoLlm(torch, new Qwen2VideoLlm.Identity(plan.shape().label(), "random"), parts);
  }

  /** The frame size the model takes for a clip. */
  public FrameSize frameSize(int frames, int width, int height) {
    return model.frameSize(frames, width, height);
  }

  /** Bytes of the decoder's weights, embedding and head included. */
  public long decoderBytes() {
    return decoder.weightBytes();
  }

  /** Measures the machine. */
  public Ceilings ceilings(int runs) {
    int rows = model.info().prefillChunk();
    try (Tensor w = loader.random(0.02, 2L * text.intermediate(), text.hidden());
        Tensor x = loader.random(1, rows, text.hidden())) {
      double gemm = best(runs, () -> loader.product(x, w).close());
      double flops = 4.0 * rows * text.intermediate() * text.hidden();
      long elements = (512L << 20) / torch.dtype().bytes();
      try (Tensor big = loader.random(1, elements)) {
        double read = best(runs, () -> loader.sum(big).close());
        return new Ceilings(flops / gemm / 1e6, (512 << 20) / read / 1e6);
      }
    }
  }

  /** Measures one retention. */
  public Row measure(VideoFrames frames, double retention, Plan plan, Ceilings ceilings) {
    Row best = null;
    for (int run = 0; run < plan.runs(); run++) {
      Row row = measureOnce(frames, retention, plan, ceilings);
      if (best == null || row.coldFirstToken() < best.coldFirstToken()) {
        best = row;
      }
    }
    if (best == null) {
      throw new IllegalArgumentException("runs must be at least 1");
    }
    return best;
  }

  @Override
  public void close() {
    model.close();
    loader.close();
  }

  private Row measureOnce(VideoFrames frames, double retention, Plan plan, Ceilings ceilings) {
    int mergeLayer = plan.mergeLayer();
    MergeSpec spec =
        retention == 1 ? MergeSpec.none() : MergeSpec.of(plan.reducer(), "strict", retention);
    long start = System.nanoTime();
    try (EncodedVideo video = encode(frames, spec.readsSaliency());
        PrefixBuild build = model.startPrefix(video, new PrefixSpec(spec, mergeLayer))) {
      while (!build.advance()) {}
      try (KvPrefix prefix = build.finish()) {
        firstToken(prefix);
        double cold = millisSince(start);
        double warm = best(3, () -> firstToken(prefix));
        double token = decode(prefix);
        KvPrefix.Summary s = prefix.summary();
        double flops = prefillFlops(s, mergeLayer);
        double gflops = flops / s.prefillMillis() / 1e6;
        return new Row(
            retention,
            s.tokensBefore(),
            s.tokensAfter(),
            video.visionMillis(),
            s.mergeMillis(),
            s.prefillMillis(),
            gflops,
            gflops / ceilings.gemmGflops(),
            cold,
            warm,
            token,
            decodeBytes(prefix) / token / 1e6 / ceilings.readGBs());
      }
    }
  }

  private EncodedVideo encode(VideoFrames frames, boolean salient) {
    try (VideoEncoding encoding = model.startEncoding(frames, salient)) {
      while (!encoding.advance()) {}
      return encoding.finish();
    }
  }

  private void firstToken(KvPrefix prefix) {
    try (Decoding sequence = ask(prefix)) {
      model.sample(sequence);
    }
  }

  private Decoding ask(KvPrefix prefix) {
    Decoding sequence =
        model.open(prefix, SamplingParams.greedy(), QUESTION_TOKENS + ANSWER_TOKENS);
    model.prefill(sequence, model.questionTokens(""));
    return sequence;
  }

  private double decode(KvPrefix prefix) {
    try (Decoding sequence = ask(prefix)) {
      double best = Double.MAX_VALUE;
      for (int i = 0; i < ANSWER_TOKENS; i++) {
        long start = System.nanoTime();
        model.decode(List.of(sequence), new int[] {model.sample(sequence).token()});
        best = Math.min(best, millisSince(start));
      }
      return best;
    }
  }

  /** Linear layers and causal attention; the last layer of a prefix only makes keys and values. */
  private double prefillFlops(KvPrefix.Summary s, int mergeLayer) {
    double head = s.promptTokens() - s.tokensAfter();
    double n = s.tokensBefore() + head;
    double m = s.promptTokens();
    int whole = text.layers() - mergeLayer - 1;
    double width = (double) text.heads() * text.headDim();
    double lower = mergeLayer * (text.linearFlopsPerLayer() * n + 2 * n * n * width);
    double upper = whole * (text.linearFlopsPerLayer() * m + 2 * m * m * width);
    return lower + upper + 2.0 * m * text.hidden() * text.qkvRows();
  }

  /** Every weight once, but for an embedding that is not the head too. */
  private double decodeBytes(KvPrefix prefix) {
    double embedding =
        text.tiedHead() ? 0 : (double) text.vocabulary() * text.hidden() * torch.dtype().bytes();
    return decoder.weightBytes() - embedding + prefix.bytes();
  }

  private static double best(int runs, Runnable work) {
    double best = Double.MAX_VALUE;
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      work.run();
      best = Math.min(best, millisSince(start));
    }
    return best;
  }

  private static double millisSince(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  /** A prompt of the usual length with arbitrary ids: random weights have no words. */
  private static final class FixedPrompt implements Prompt {

    @Override
    public int[] beforeVideo() {
      return ids(15);
    }

    @Override
    public int[] afterVideo(VideoFrames video) {
      return ids(1);
    }

    @Override
    public int[] question(String text) {
      return ids(QUESTION_TOKENS);
    }

    @Override
    public int[] nextTurn(String text) {
      return ids(QUESTION_TOKENS);
    }

    @Override
    public int[] answer(String text) {
      return ids(QUESTION_TOKENS);
    }

    @Override
    public boolean isStop(int token) {
      return false;
    }

    @Override
    public AnswerText newAnswerText() {
      throw new UnsupportedOperationException("random weights write no text");
    }

    private static int[] ids(int count) {
      int[] ids = new int[count];
      Arrays.setAll(ids, i -> 1000 + i);
      return ids;
    }
  }
}
