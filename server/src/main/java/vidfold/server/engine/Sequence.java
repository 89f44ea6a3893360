package vidfold.server.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.model.AnswerText;
import vidfold.model.Decoding;
import vidfold.model.TokenChoice;

/**
 * One question on its way: everything that is known about it and nothing that is shared.
 *
 * <p>Belongs to the inference thread once it is queued.
 */
final class Sequence implements Waiter {

  /** Where a sequence stands. */
  enum State {
    /** Asked; nothing is done for it yet. */
    QUEUED,
    /** The frames of its video are being read. */
    WAITING_FRAMES,
    /** Its video is being encoded. */
    WAITING_PREFIX,
    /** Holds a lease on its prefix and waits for a place among those that run. */
    READY,
    /** Its own tokens are being prefilled. */
    PREFILL,
    /** Its answer is being decoded. */
    RUNNING,
    /** Over; everything is given back. */
    DONE
  }

  final String id;
  final Question question;
  final AnswerListener listener;
  final Stopwatch time = new Stopwatch();
  final List<String> warnings = new ArrayList<>();
  final List<Integer> tokens = new ArrayList<>();
  final List<TokenChoice> choices = new ArrayList<>();
  final StringBuilder answer = new StringBuilder();

  /** Own tokens up to the answer: the history of the session, then the question. */
  final int[] prompt;

  private final VariantKey variant;
  private final VideoKey video;

  State state = State.QUEUED;

  /** Whether the prefix was found in the cache. */
  boolean hit;

  /** Own tokens that a resident conversation already held. */
  int resident;

  /** Own tokens fed so far, answer included. */
  int fed;

  /** The most tokens of the answer that fit the context. */
  int maxTokens;

  /** Device memory counted for it. */
  long reservedBytes;

  @Nullable PrefixLease lease;
  @Nullable Decoding decoding;
  @Nullable AnswerText text;

  Sequence(String id, Question question, AnswerListener listener, Asked asked) {
    this.id = id;
    this.question = question;
    this.listener = listener;
    this.variant = asked.variant();
    this.prompt = asked.prompt();
    this.video = new VideoKey(question.tenant(), question.videoId());
  }

  /** What the asking thread has worked out. */
  record Asked(VariantKey variant, int[] prompt) {}

  @Override
  public VariantKey variant() {
    return variant;
  }

  @Override
  public VideoKey video() {
    return video;
  }

  @Override
  public Question.Options options() {
    return question.options();
  }

  @Override
  public boolean isOver() {
    return state == State.DONE;
  }

  @Override
  public boolean isQueued() {
    return state == State.QUEUED;
  }

  @Override
  public void requeue() {
    time.enterQueue();
    state = State.QUEUED;
  }

  @Override
  public void onDecoding() {
    time.leaveQueue();
    state = State.WAITING_FRAMES;
  }

  @Override
  public void onEncoding() {
    time.leaveQueue();
    state = State.WAITING_PREFIX;
  }

  @Override
  public void onPrefix(PrefixLease given, boolean found) {
    lease = given;
    hit = found;
    warnings.addAll(given.clip().warnings());
    time.enterQueue();
    state = State.READY;
  }

  PrefixLease requireLease() {
    if (lease == null) {
      throw new IllegalStateException("the sequence has no prefix in state " + state);
    }
    return lease;
  }

  Decoding requireDecoding() {
    if (decoding == null) {
      throw new IllegalStateException("the sequence has no KV in state " + state);
    }
    return decoding;
  }

  AnswerText requireText() {
    if (text == null) {
      throw new IllegalStateException("the sequence has no text in state " + state);
    }
    return text;
  }

  /** Whether a sampled token waits to be fed. */
  boolean hasPending() {
    return state == State.RUNNING && fed < prompt.length + tokens.size();
  }

  /** The sampled token that is fed next. */
  int pending() {
    return tokens.get(fed - prompt.length);
  }

  /** The own tokens that its KV holds. */
  int[] fedTokens() {
    int[] all = Arrays.copyOf(prompt, fed);
    for (int i = prompt.length; i < fed; i++) {
      all[i] = tokens.get(i - prompt.length);
    }
    return all;
  }

  /**
   * Its place among the kept conversations, or null when it belongs to no session. A question with
   * its own reducer has none either: its KV was made with less of the video in sight, so no other
   * turn may go on from it, nor it from another.
   */
  Conversations.@Nullable Key conversationKey() {
    String session = options().reduction() == null ? question.sessionId() : null;
    return session == null ? null : new Conversations.Key(video.tenant(), session, variant);
  }
}
