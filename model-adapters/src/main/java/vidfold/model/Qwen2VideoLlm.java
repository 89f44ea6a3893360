package vidfold.model;

import java.util.ArrayList;
import java.util.List;
import vidfold.merging.TokenMergers;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;

/** A Qwen2-VL model: the vision tower, the Qwen2 decoder, the prompt and the sampler together. */
final class Qwen2VideoLlm implements VideoLlm {

  private static final int CPU_CHUNK = 1024;
  private static final int GPU_CHUNK = 8192;

  private final Torch torch;
  private final ModelInfo info;
  private final Qwen2VlConfig config;
  private final Prompt prompt;
  private final Qwen2VlVision vision;
  private final Qwen2Decoder decoder;
  private final Sampler sampler;
  private final TokenMergers mergers;

  /** What a checkpoint is called and how it is told apart. */
  record Identity(String name, String digest) {}

  Qwen2VideoLlm(
      Torch torch, Identity identity, Qwen2VlConfig config, Prompt prompt, NamedWeights weights) {
    this.torch = torch;
    this.config = config;
    this.prompt = prompt;
    this.vision =
        new Qwen2VlVision(
            torch, config.vision(), weights.weights(), weights.visionPrefix(), config.scale());
    try {
      this.decoder =
          new Qwen2Decoder(torch, config.text(), weights.weights(), weights.decoderPrefix());
    } catch (RuntimeException e) {
      vision.close();
      throw e;
    }
    this.sampler = new Sampler(torch);
    this.mergers = new TokenMergers(torch);
    this.info = describe(identity);
  }

  /** Weights with what stands before the names of the vision tower's and the decoder's. */
  record NamedWeights(Weights weights, String visionPrefix, String decoderPrefix) {}

  @Override
  public ModelInfo info() {
    return info;
  }

  @Override
  public SamplingRule samplingRule() {
    return new SamplingRule(2, 1, 256, config.vision().temporalPatch() == 2);
  }

  @Override
  public FrameSize frameSize(int frames, int width, int height) {
    return config.frameSize(frames, width, height);
  }

  @Override
  public int[] questionTokens(String question) {
    return prompt.question(question);
  }

  @Override
  public int[] nextTurnTokens(String question) {
    return prompt.nextTurn(question);
  }

  @Override
  public int[] answerTokens(String answer) {
    return prompt.answer(answer);
  }

  @Override
  public boolean isStop(int token) {
    return prompt.isStop(token);
  }

  @Override
  public AnswerText newAnswerText() {
    return prompt.newAnswerText();
  }

  @Override
  public PrefixBuild startPrefix(VideoFrames frames, PrefixSpec spec) {
    int side = config.vision().patch();
    int patches = frames.width() / side * (frames.height() / side);
    int chunk = info.prefillChunk();
    Qwen2VlPrefixBuild.Parts parts =
        new Qwen2VlPrefixBuild.Parts(
            vision,
            decoder,
            mergers.create(spec.merge()),
            config,
            Math.max(1, 4 * chunk / Math.max(1, patches)),
            chunk);
    return new Qwen2VlPrefixBuild(parts, prompt, frames, spec.mergeLayer());
  }

  @Override
  public Decoding open(KvPrefix prefix, SamplingParams params, int capacity) {
    int layers = config.text().layers();
    return new OwnKv(
        (PrefixKv) prefix.state(),
        decoder.newCache(layers, capacity),
        capacity,
        decoder.cacheBytes(layers, capacity),
        params);
  }

  @Override
  public void prefill(Decoding sequence, int[] tokens) {
    OwnKv own = (OwnKv) sequence;
    own.requireRoom(tokens.length);
    own.fed(tokens, decoder.prefillQuestion(tokens, own));
  }

  @Override
  public void decode(List<Decoding> sequences, int[] tokens) {
    List<OwnKv> batch = new ArrayList<>(sequences.size());
    for (Decoding sequence : sequences) {
      OwnKv own = (OwnKv) sequence;
      own.requireRoom(1);
      batch.add(own);
    }
    try (Tensor logits = decoder.decode(batch, tokens)) {
      for (int b = 0; b < tokens.length; b++) {
        batch.get(b).fed(new int[] {tokens[b]}, decoder.row(logits, b));
      }
    }
  }

  @Override
  public TokenChoice sample(Decoding sequence) {
    return sampler.sample((OwnKv) sequence);
  }

  @Override
  public void close() {
    vision.close();
    decoder.close();
    sampler.close();
    mergers.close();
    prompt.close();
  }

  private ModelInfo describe(Identity identity) {
    Qwen2Config text = config.text();
    return new ModelInfo(
        identity.name(),
        "qwen2-vl",
        identity.digest(),
        torch.deviceName(),
        torch.dtype().label(),
        text.layers(),
        text.contextLength(),
        Math.min(2, text.layers() - 1),
        torch.onGpu() ? GPU_CHUNK : CPU_CHUNK,
        decoder.cacheBytes(text.layers(), 1));
  }
}
