package vidfold.server.engine;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import vidfold.model.AnswerText;
import vidfold.model.Decoding;
import vidfold.model.EncodedVideo;
import vidfold.model.FrameSize;
import vidfold.model.KvPrefix;
import vidfold.model.ModelInfo;
import vidfold.model.PrefixBuild;
import vidfold.model.PrefixSpec;
import vidfold.model.QuestionReducer;
import vidfold.model.SamplingParams;
import vidfold.model.SamplingRule;
import vidfold.model.TokenChoice;
import vidfold.model.VideoEncoding;
import vidfold.model.VideoFrames;
import vidfold.model.VideoLlm;
import vidfold.model.VisibleTokens;

/**
 * A model without native code, for tests of what is around a model.
 *
 * <p>Tokens are characters; 0 ends an answer, 1 ends a turn, 2 is the assistant header. The next
 * token is a hash of every frame byte, the way of merging, and every token fed, so equal answers
 * prove equal feeding. Everything that touches the device is counted, written to {@link #log}, and
 * refused on a second thread.
 */
public final class FakeVideoLlm implements VideoLlm {
  public static final int VISION_CHUNKS = 4;
  public static final int PREFILL_CHUNK = 8;
  public static final int PROMPT_TOKENS = 20;
  public static final long KV_BYTES = 64;
  public static final long ENCODED_BYTES = 1 << 18;
  private static final int STOP = 0;
  private static final int TURN_END = 1;
  private static final int ASSISTANT = 2;
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz     ";

  /** How this model differs from the usual one. */
  public record Shape(int contextLength, long prefixBytes, int stopOneIn) {
    public static Shape usual() {
      return new Shape(4096, 1 << 20, 12);
    }
  }

  /** Every touch of the device: {@code vision}, {@code prefill 8}, {@code decode 2}, ... */
  public final List<String> log = new CopyOnWriteArrayList<>();

  public final AtomicInteger visionCalls = new AtomicInteger();
  public final AtomicInteger buildsStarted = new AtomicInteger();
  public final AtomicInteger liveBuilds = new AtomicInteger();
  public final AtomicInteger liveEncoded = new AtomicInteger();
  public final AtomicInteger livePrefixes = new AtomicInteger();
  public final AtomicInteger liveDecodings = new AtomicInteger();
  public final AtomicInteger prefilledTokens = new AtomicInteger();
  public final List<Throwable> violations = new CopyOnWriteArrayList<>();

  /** The own tokens of every sequence when it was closed or sampled last, newest last. */
  public final List<List<Integer>> fed = new CopyOnWriteArrayList<>();

  /** Called on the device thread at every touch, with what is written to the log. */
  public volatile Consumer<String> onTouch = touch -> {};

  private final Shape shape;
  private final Map<KvPrefix, Long> states = Collections.synchronizedMap(new IdentityHashMap<>());
  private volatile @Nullable Thread device;

  public FakeVideoLlm() {
    this(Shape.usual());
  }

  public FakeVideoLlm(Shape shape) {
    this.shape = shape;
  }

  /** Visual tokens, prefixes, builds and sequences that are not closed. */
  public int liveHandles() {
    return liveBuilds.get() + liveEncoded.get() + livePrefixes.get() + liveDecodings.get();
  }

  @Override
  public ModelInfo info() {
    return new ModelInfo(
        "fake",
        "fake",
        "sha256:fake",
        "cpu",
        "f32",
        "stored",
        4,
        shape.contextLength(),
        2,
        PREFILL_CHUNK,
        KV_BYTES);
  }

  @Override
  public SamplingRule samplingRule() {
    return new SamplingRule(2, 1, 64, true);
  }

  @Override
  public FrameSize frameSize(int frames, int width, int height) {
    return new FrameSize(4, 4);
  }

  @Override
  public int[] questionTokens(String question) {
    return question.chars().map(c -> c + ' ').boxed().mapToInt(i -> i).toArray();
  }

  @Override
  public int[] nextTurnTokens(String question) {
    int[] text = questionTokens(question);
    int[] tokens = new int[text.length + 2];
    tokens[0] = TURN_END;
    System.arraycopy(text, 0, tokens, 1, text.length);
    tokens[tokens.length - 1] = ASSISTANT;
    return tokens;
  }

  /** Not what was sampled, as with a real tokenizer: upper case stands for sampled lower case. */
  @Override
  public int[] answerTokens(String answer) {
    return answer.chars().map(Character::toUpperCase).toArray();
  }

  @Override
  public boolean isStop(int token) {
    return token == STOP;
  }

  @Override
  public AnswerText newAnswerText() {
    return new AnswerText() {
      private String held = "";

      @Override
      public String push(int token) {
        String ready = held;
        held = tokenText(token);
        return ready;
      }

      @Override
      public String finish() {
        String ready = held;
        held = "";
        return ready;
      }

      @Override
      public String tokenText(int token) {
        return Character.toString(token);
      }
    };
  }

  @Override
  public VideoEncoding startEncoding(VideoFrames frames, boolean salient) {
    touch("start");
    buildsStarted.incrementAndGet();
    liveBuilds.incrementAndGet();
    return new FakeEncoding(frames);
  }

  @Override
  public PrefixBuild startPrefix(EncodedVideo video, PrefixSpec spec) {
    touch("start prefix");
    liveBuilds.incrementAndGet();
    return new FakeBuild((FakeEncoded) video, spec);
  }

  @Override
  public Decoding open(KvPrefix prefix, SamplingParams params, int capacity) {
    touch("open");
    Long state = states.get(prefix);
    if (state == null) {
      throw violation("a closed prefix was opened");
    }
    liveDecodings.incrementAndGet();
    return new FakeDecoding(prefix, state, params, capacity);
  }

  /** The next tokens depend on the reducer too. */
  @Override
  public Decoding open(
      KvPrefix prefix,
      SamplingParams params,
      int capacity,
      QuestionReducer reducer,
      int promptTokens) {
    FakeDecoding whole = (FakeDecoding) open(prefix, params, capacity);
    int before = prefix.summary().tokensAfter();
    whole.start = mix(whole.start, reducer.hashCode());
    whole.visible = new VisibleTokens(before, reducer.kept(before));
    return whole;
  }

  @Override
  public void prefill(Decoding sequence, int[] tokens) {
    touch("prefill " + tokens.length);
    if (tokens.length == 0 || tokens.length > PREFILL_CHUNK) {
      throw violation("a chunk of " + tokens.length + " tokens");
    }
    prefilledTokens.addAndGet(tokens.length);
    ((FakeDecoding) sequence).feed(tokens);
  }

  @Override
  public void decode(List<Decoding> sequences, int[] tokens) {
    touch("decode " + sequences.size());
    for (int i = 0; i < tokens.length; i++) {
      ((FakeDecoding) sequences.get(i)).feed(new int[] {tokens[i]});
    }
  }

  @Override
  public TokenChoice sample(Decoding sequence) {
    touch("sample");
    return ((FakeDecoding) sequence).sample();
  }

  @Override
  public void close() {
    if (liveHandles() != 0) {
      throw violation(liveHandles() + " handles are open");
    }
  }

  private void touch(String what) {
    Thread caller = Thread.currentThread();
    if (device == null) {
      device = caller;
    }
    if (device != caller) {
      throw violation("'" + what + "' on " + caller.getName());
    }
    log.add(what);
    onTouch.accept(what);
  }

  private IllegalStateException violation(String what) {
    IllegalStateException found = new IllegalStateException(what);
    violations.add(found);
    return found;
  }

  private static long mix(long hash, long value) {
    long mixed = (hash ^ value) * 0x9E3779B97F4A7C15L;
    return mixed ^ mixed >>> 29;
  }

  private static long hash(VideoFrames frames) {
    long hash = 7;
    for (int i = 0; i < frames.rgb().size(); i++) {
      hash = mix(hash, frames.rgb().get(i).hashCode());
      hash = mix(hash, Double.hashCode(frames.times().get(i)));
    }
    return hash;
  }

  /** Some chunks of vision. */
  private final class FakeEncoding implements VideoEncoding {
    private final VideoFrames video;
    private int chunk;
    private boolean closed;

    FakeEncoding(VideoFrames video) {
      this.video = video;
    }

    @Override
    public boolean advance() {
      if (closed) {
        throw violation("a closed encoding was advanced");
      }
      touch("vision");
      visionCalls.incrementAndGet();
      return ++chunk == VISION_CHUNKS;
    }

    @Override
    public EncodedVideo finish() {
      close();
      liveEncoded.incrementAndGet();
      return new FakeEncoded(hash(video), video.rgb().size());
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        touch("close encoding");
        liveBuilds.decrementAndGet();
      }
    }
  }

  private final class FakeEncoded extends EncodedVideo {
    final long hash;
    final int frames;
    private boolean closed;

    FakeEncoded(long hash, int frames) {
      super(3, List.of(), ENCODED_BYTES, "fake");
      this.hash = hash;
      this.frames = frames;
    }

    @Override
    public void close() {
      touch("close encoded");
      if (closed) {
        throw violation("visual tokens were closed twice");
      }
      closed = true;
      liveEncoded.decrementAndGet();
    }
  }

  /** One chunk of merging, one of prefill. */
  private final class FakeBuild implements PrefixBuild {
    private final long hash;
    private final int frames;
    private int chunk;
    private boolean closed;

    FakeBuild(FakeEncoded video, PrefixSpec spec) {
      if (video.closed) {
        throw violation("a prefix is built from closed visual tokens");
      }
      this.hash = mix(video.hash, spec.toString().hashCode());
      this.frames = video.frames;
    }

    @Override
    public boolean advance() {
      if (closed) {
        throw violation("a closed build was advanced");
      }
      touch(chunk == 0 ? "merge" : "prefix");
      return ++chunk == 2;
    }

    @Override
    public KvPrefix finish() {
      touch("finish");
      KvPrefix.Summary summary =
          new KvPrefix.Summary(frames * 4, frames * 2, PROMPT_TOKENS, 0.5, null, 1, 2);
      KvPrefix prefix = new FakePrefix(summary);
      states.put(prefix, hash);
      livePrefixes.incrementAndGet();
      close();
      return prefix;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        touch("close build");
        liveBuilds.decrementAndGet();
      }
    }
  }

  private final class FakePrefix extends KvPrefix {
    FakePrefix(Summary summary) {
      super(summary, List.of(), shape.prefixBytes(), "fake");
    }

    @Override
    public void close() {
      touch("close prefix");
      if (states.remove(this) == null) {
        throw violation("a prefix was closed twice");
      }
      livePrefixes.decrementAndGet();
    }
  }

  private final class FakeDecoding implements Decoding {
    private final KvPrefix prefix;
    private long start;
    private final int[] tokens;
    private @Nullable VisibleTokens visible;
    private SplittableRandom random;
    private SamplingParams params;
    private int length;
    private boolean closed;

    FakeDecoding(KvPrefix prefix, long start, SamplingParams params, int capacity) {
      this.prefix = prefix;
      this.start = start;
      this.tokens = new int[capacity];
      this.params = params;
      this.random = new SplittableRandom(params.seed());
    }

    void feed(int[] ids) {
      requireOpen();
      if (length + ids.length > tokens.length) {
        throw violation("a sequence of " + tokens.length + " tokens overflows");
      }
      System.arraycopy(ids, 0, tokens, length, ids.length);
      length += ids.length;
    }

    TokenChoice sample() {
      requireOpen();
      int token = next(params.temperature() == 0 ? 0 : random.nextLong());
      List<TokenChoice.Alternative> top = new ArrayList<>();
      for (int i = 0; i < params.topLogprobs(); i++) {
        top.add(new TokenChoice.Alternative(i == 0 ? token : 'z', -i - 0.5f));
      }
      fed.add(Arrays.stream(tokens, 0, length).boxed().toList());
      return new TokenChoice(token, -0.5f, top);
    }

    private int next(long noise) {
      long hash = mix(start, noise);
      for (int i = 0; i < length; i++) {
        hash = mix(hash, tokens[i]);
      }
      hash = mix(hash, 17) >>> 8;
      if (hash % shape.stopOneIn() == 0) {
        return STOP;
      }
      return LETTERS.getBytes(StandardCharsets.US_ASCII)[(int) (hash % LETTERS.length())];
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public int capacity() {
      return tokens.length;
    }

    @Override
    public long bytes() {
      return tokens.length * KV_BYTES;
    }

    @Override
    public @Nullable VisibleTokens visible() {
      return visible;
    }

    @Override
    public void restart(SamplingParams next) {
      requireOpen();
      params = next;
      random = new SplittableRandom(next.seed());
    }

    @Override
    public void close() {
      touch("close decoding");
      if (closed) {
        throw violation("a sequence was closed twice");
      }
      closed = true;
      liveDecodings.decrementAndGet();
    }

    private void requireOpen() {
      if (closed || !states.containsKey(prefix)) {
        throw violation("a sequence is used after its end or its prefix's");
      }
    }
  }
}
