package vidfold.server.engine;

/** Prefill or vision work that is done a chunk at a time, so that others decode in between. */
interface ChunkWork {

  /** Whether the work was cancelled or has failed. */
  boolean isOver();

  /** Does one chunk; true when it was the last. */
  boolean advance();

  /** Told of what {@link #advance} threw. */
  void fail(Throwable cause);
}
