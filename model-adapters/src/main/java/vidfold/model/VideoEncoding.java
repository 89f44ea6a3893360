package vidfold.model;

/**
 * A video on its way through the vision tower, in steps short enough to decode other sequences in
 * between.
 *
 * <p>{@link #close} frees everything that {@link #finish} has not handed over.
 */
public interface VideoEncoding extends AutoCloseable {

  /** Encodes some frames; true when none are left. */
  boolean advance();

  /** The visual tokens, which the caller owns from now on. */
  EncodedVideo finish();

  @Override
  void close();
}
