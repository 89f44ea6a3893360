package vidfold.model;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import vidfold.merging.TokenMergers;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/**
 * A Video-LLM around the Qwen2 decoder: a family's {@link Adapter}, the decoder, the prompt and the
 * sampler together.
 */
final class Qwen2VideoLlm implements VideoLlm {

  private static final int CPU_CHUNK = 1024;
  static final int GPU_CHUNK = 8192;

  private final Torch torch;
  private final ModelInfo info;
  private final Parts parts;
  private final Sampler sampler;
  private final TokenMergers mergers;

  /** What a checkpoint is called and how it is told apart. */
  record Identity(String name, String digest) {}

  /** What the model consists of; closing it closes all three. */
  record Parts(Prompt prompt, Adapter adapter, Qwen2Decoder decoder) implements AutoCloseable {

    /** Makes the parts in this order; if one fails, those before it are closed. */
    static Parts load(
        Supplier<? extends Prompt> prompt,
        Supplier<? extends Adapter> adapter,
        Supplier<Qwen2Decoder> decoder) {
      Prompt text = prompt.get();
      try {
        Adapter vision = adapter.get();
        try {
          return new Parts(text, vision, decoder.get());
        } catch (RuntimeException e) {
          vision.close();
          throw e;
        }
      } catch (RuntimeException e) {
        text.close();
        throw e;
      }
    }

    @Override
    public void close() {
      adapter.close();
      decoder.close();
      prompt.close();
    }
  }

  /** Takes ownership of the parts. */
  Qwen2VideoLlm(Torch torch, Identity identity, Parts parts) {
    this.torch = torch;
    this.parts = parts;
    this.sampler = new Sampler(torch);
    this.mergers = new TokenMergers(torch);
    this.info = describe(identity);
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public SamplingRule samplingRule() {
    return parts.adapter().samplingRule();
  }

  @Override
  public List<PublishedSttm> publishedThresholds() {
    return PublishedSttm.of(parts.adapter().family(), parts.adapter().text());
  }

  @Override
  public FrameSize frameSize(int frames, int width, int height) {
    return parts.adapter().frameSize(frames, width, height);
  }

  @Override
  public int[] questionTokens(String question) {
    return parts.prompt().question(question);
  }

  @Override
  public int[] nextTurnTokens(String question) {
    return parts.prompt().nextTurn(question);
  }

  @Override
  public int[] answerTokens(String answer) {
    return parts.prompt().answer(answer);
  }

  @Override
  public boolean isStop(int token) {
    return parts.prompt().isStop(token);
  }

  @Override
  public AnswerText newAnswerText() {
    return parts.prompt().newAnswerText();
  }

  @Override
  public VideoEncoding startEncoding(VideoFrames frames, boolean salient) {
    return new FramesEncoding(
        new FramesEncoding.Parts(parts.adapter(), parts.decoder(), info.prefillChunk()),
        parts.prompt(),
        frames,
        salient);
  }

  @Override
  public PrefixBuild startPrefix(EncodedVideo video, PrefixSpec spec) {
    return new VideoPrefixBuild(
        new VideoPrefixBuild.Parts(parts.adapter(), parts.decoder(), mergers, info.prefillChunk()),
        parts.prompt().beforeVideo(),
        (VisualTokens) video.state(),
        spec);
  }

  @Override
  public Decoding open(KvPrefix prefix, SamplingParams params, int capacity) {
    int layers = info.layers();
    Qwen2Decoder decoder = parts.decoder();
    return new OwnKv(
        (PrefixKv) prefix.state(),
        decoder.newCache(0, layers, capacity),
        capacity,
        decoder.cacheBytes(layers, capacity),
        params);
  }

  @Override
  public Decoding open(
      KvPrefix prefix,
      SamplingParams params,
      int capacity,
      QuestionReducer reducer,
      int promptTokens) {
    PrefixKv kv = (PrefixKv) prefix.state();
    int layers = info.layers();
    Qwen2Decoder decoder = parts.decoder();
    if (decoder.layout().plan().isSplit()) {
      throw new IllegalArgumentException(
          "question reducer '" + reducer.name() + "' needs a model on one device");
    }
    long bytes = decoder.cacheBytes(layers, capacity) + reducer.viewBytes(prefix.summary(), info);
    return new OwnKv(
        new OwnKv.Cache(kv, decoder.newCache(0, layers, capacity), capacity, bytes),
        params,
        new PrefixView(reducer, kv, promptTokens));
  }

  @Override
  public void prefill(Decoding sequence, int[] tokens) {
    OwnKv own = (OwnKv) sequence;
    own.requireRoom(tokens.length);
    PrefixView view = own.view();
    own.fed(
        tokens,
        view == null || !view.narrowsPrompt()
            ? parts.decoder().prefillQuestion(tokens, own)
            : view.prefill(parts.decoder().views(), tokens, own));
  }

  @Override
  public void decode(List<Decoding> sequences, int[] tokens) {
    List<OwnKv> given = new ArrayList<>(sequences.size());
    for (Decoding sequence : sequences) {
      OwnKv own = (OwnKv) sequence;
      own.requireRoom(1);
      given.add(own);
    }
    decode(given, tokens, false);
    decode(given, tokens, true);
  }

  /**
   * One step of those sequences that see the whole of their prefix, or of those that see less. They
   * take separate steps: how the rows of a batch are shared out shows in their last bits, and what
   * narrows itself must not change an answer that does not.
   */
  private void decode(List<OwnKv> sequences, int[] tokens, boolean less) {
    List<OwnKv> given = sequences.stream().filter(own -> own.seesLess() == less).toList();
    if (given.isEmpty()) {
      return;
    }
    int[] theirs =
        IntStream.range(0, tokens.length)
            .filter(b -> sequences.get(b).seesLess() == less)
            .map(b -> tokens[b])
            .toArray();
    int[] order = DecodeBatch.order(given);
    List<OwnKv> batch = IntStream.of(order).mapToObj(given::get).toList();
    int[] next = IntStream.of(order).map(b -> theirs[b]).toArray();
    try (Tensor logits = parts.decoder().decode(batch, next)) {
      for (int b = 0; b < next.length; b++) {
        batch.get(b).fed(new int[] {next[b]}, parts.decoder().row(logits, b));
      }
      if (batch.stream().allMatch(own -> own.params().isPlainlyGreedy())) {
        List<TokenChoice> choices = sampler.mostLikely(logits);
        for (int b = 0; b < next.length; b++) {
          batch.get(b).chosen(choices.get(b));
        }
      }
    }
  }

  @Override
  public TokenChoice sample(Decoding sequence) {
    OwnKv own = (OwnKv) sequence;
    TokenChoice chosen = own.chosen();
    return chosen == null ? sampler.sample(own) : chosen;
  }

  @Override
  public void close() {
    parts.close();
    sampler.close();
    mergers.close();
  }

  /** Widening int8 weights costs the same however many rows there are, so they get more. */
  private int cpuChunk() {
    return parts.decoder().layout().format() == WeightFormat.INT8 ? 2 * CPU_CHUNK : CPU_CHUNK;
  }

  private ModelInfo describe(Identity identity) {
    Qwen2Config text = parts.adapter().text();
    return new ModelInfo(
        identity.name(),
        parts.adapter().family(),
        identity.digest(),
        parts.decoder().layout().plan().deviceNames(),
        torch.dtype().label(),
        parts.decoder().layout().format().label(),
        text.layers(),
        text.contextLength(),
        text.publishedMergeLayer(),
        torch.onGpu() ? GPU_CHUNK : cpuChunk(),
        parts.decoder().cacheBytes(text.layers(), 1));
  }
}
