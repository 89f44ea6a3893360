package vidfold.model;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import vidfold.torch.Tensor;

/** A sequence's own cache of all layers, its tokens and its sampler state. */
final class OwnKv implements Decoding {

  private final PrefixKv prefix;
  private final LayerKv kv;
  private final @Nullable PrefixView view;
  private final long bytes;
  private final int[] tokens;
  private int length;
  private SamplingParams params;
  private SplittableRandom random;
  private @Nullable Tensor logits;
  private @Nullable TokenChoice chosen;

  OwnKv(PrefixKv prefix, LayerKv kv, int capacity, long bytes, SamplingParams params) {
    this(new Cache(prefix, kv, capacity, bytes), params, null);
  }

  /**
   * Creates a sequence that sees the prefix through a view, which it owns.
   *
   * @param view what it sees, or null for all
   */
  OwnKv(Cache cache, SamplingParams params, @Nullable PrefixView view) {
    this.prefix = cache.prefix();
    this.kv = cache.kv();
    this.view = view;
    this.bytes = cache.bytes();
    this.tokens = new int[cache.capacity()];
    this.params = params;
    this.random = new SplittableRandom(params.seed());
  }

  /** A sequence's own cache for so many tokens, on a prefix. */
  record Cache(PrefixKv prefix, LayerKv kv, int capacity, long bytes) {}

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
    return bytes;
  }

  @Override
  public @Nullable VisibleTokens visible() {
    return view == null ? null : view.visible();
  }

  @Override
  public void restart(SamplingParams next) {
    params = next;
    chosen = null;
    random = new SplittableRandom(next.seed());
  }

  @Override
  public void close() {
    kv.close();
    if (view != null) {
      view.close();
    }
    if (logits != null) {
      logits.close();
      logits = null;
    }
  }

  PrefixKv prefix() {
    return prefix;
  }

  LayerKv kv() {
    return kv;
  }

  @Nullable PrefixView view() {
    return view;
  }

  /** Whether this sequence sees less of its prefix than others on it. */
  boolean seesLess() {
    return view != null && view.narrows();
  }

  SamplingParams params() {
    return params;
  }

  /** The next number of the sequence's random stream, in [0, 1). */
  double nextUniform() {
    return random.nextDouble();
  }

  /** Checks that {@code count} more tokens fit. */
  void requireRoom(int count) {
    if (length + count > tokens.length) {
      throw new IllegalStateException(
          "the sequence holds "
              + length
              + " of "
              + tokens.length
              + " tokens; "
              + count
              + " more do not fit");
    }
  }

  /**
   * Records fed tokens and takes ownership of the logits {@code [V]} of the last one, which are
   * null while a view waits for the rest of the prompt.
   */
  void fed(int[] ids, @Nullable Tensor next) {
    System.arraycopy(ids, 0, tokens, length, ids.length);
    length += ids.length;
    if (logits != null) {
      logits.close();
    }
    logits = next;
    chosen = null;
  }

  /** Records what follows the tokens fed so far, found for the whole batch at once. */
  void chosen(TokenChoice next) {
    chosen = next;
  }

  /** What follows, or null where it has to be sampled. */
  @Nullable TokenChoice chosen() {
    return chosen;
  }

  Tensor logits() {
    if (logits == null) {
      throw new IllegalStateException("no token has been fed to this sequence");
    }
    return logits;
  }

  /** Every distinct token id in the prompt and the answer so far. */
  int[] seen() {
    int[] all = Arrays.copyOf(prefix.promptTokens(), prefix.promptTokens().length + length);
    System.arraycopy(tokens, 0, all, prefix.promptTokens().length, length);
    return Arrays.stream(all).distinct().toArray();
  }
}
