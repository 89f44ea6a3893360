package vidfold.model;

/**
 * A KV prefix under construction, in steps short enough to decode other sequences in between.
 *
 * <p>{@link #close} frees everything that {@link #finish} has not handed over.
 */
public interface PrefixBuild extends AutoCloseable {

  /** Does one chunk of vision, merge or prefill work; true when nothing is left to do. */
  boolean advance();

  /** The finished prefix, which the caller owns from now on. */
  KvPrefix finish();

  @Override
  void close();
}
