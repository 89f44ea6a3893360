package vidfold.server.engine;

/**
 * The device has no room for what was asked, with everything freed that nobody uses.
 *
 * <p>The request is refused, the server goes on; the same may fit when others are done.
 */
public final class DeviceFullException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient Use use;

  /**
   * What the memory is used for, in bytes.
   *
   * @param asked what could not be had, or -1 where the device did not say
   * @param prefixes of cached and leased prefixes
   * @param conversations of sessions between their turns
   * @param running of the questions that run
   */
  public record Use(long asked, long prefixes, long conversations, long running) {}

  /** Creates a refusal because of what PyTorch reported. */
  public DeviceFullException(Use use, Throwable cause) {
    super(
        "the device has no room for %s; prefixes hold %d bytes, conversations %d, running questions %d"
            .formatted(
                use.asked() < 0 ? "this" : use.asked() + " bytes more",
                use.prefixes(),
                use.conversations(),
                use.running()),
        cause);
    this.use = use;
  }

  /** What the memory is used for. */
  public Use use() {
    return use;
  }
}
