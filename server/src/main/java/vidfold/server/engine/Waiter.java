package vidfold.server.engine;

/** Somebody who waits for a video's prefix. Belongs to the inference thread once it is queued. */
sealed interface Waiter permits Sequence, Preparation {

  VariantKey variant();

  VideoKey video();

  Question.Options options();

  /** Whether nothing is to be done for it any more. */
  boolean isOver();

  /** Whether nothing is done for it yet. */
  boolean isQueued();

  /** Back to the start: the build that it waited for was stopped. */
  void requeue();

  /** Its build reads frames. */
  void onDecoding();

  /** Its build has frames and encodes them. */
  void onEncoding();

  /**
   * Its prefix is there; the lease is the waiter's to close.
   *
   * @param hit whether it was found in the cache
   */
  void onPrefix(PrefixLease lease, boolean hit);
}
