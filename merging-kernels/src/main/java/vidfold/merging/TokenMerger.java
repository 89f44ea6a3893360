package vidfold.merging;

/**
 * A reducer of visual tokens: {@code [T, H, W, C]} in, {@code [M, C]} survivors out.
 *
 * <p>Made by {@link TokenMergers}; stateless, but its kernels run on the thread that owns the
 * device.
 */
public sealed interface TokenMerger permits AutoMerger, Reducer {

  /** The reducer's name, as in {@link MergeSpec#reducer()}. */
  String name();

  /**
   * Whether the result depends on the video alone. Only then may a prefix built on it be cached.
   */
  boolean queryAgnostic();

  /**
   * Merges a video's tokens. With a retention, exactly {@code max(1, round(retention * N))}
   * survive. The input stays the caller's; the result is the caller's to close.
   *
   * @throws IllegalArgumentException if a token holds NaN or infinity; the message says which
   */
  MergedTokens merge(VideoTokens tokens);
}
