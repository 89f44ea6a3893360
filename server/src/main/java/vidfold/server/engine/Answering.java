package vidfold.server.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.model.Decoding;
import vidfold.model.KvPrefix;
import vidfold.model.QuestionReducer;
import vidfold.model.TokenChoice;
import vidfold.model.VideoLlm;
import vidfold.server.metrics.EngineMeters;

/**
 * The sequences that have their prefix: prefill of their own tokens, decode, sampling, and the end.
 *
 * <p>What the model throws for one sequence ends that sequence only. Belongs to the inference
 * thread.
 */
final class Answering {
  private static final Logger log = LoggerFactory.getLogger(Answering.class);

  private final DeviceThread device;
  private final VideoLlm llm;
  private final EngineConfig config;
  private final DeviceRoom room;
  private final Conversations conversations;
  private final EngineMeters meters;

  /** In prefill or running, in the order of their start. */
  private final List<Sequence> active = new ArrayList<>();

  private long reservedBytes;

  Answering(
      DeviceThread device,
      VideoLlm llm,
      EngineConfig config,
      DeviceRoom room,
      EngineMeters meters) {
    this.device = device;
    this.llm = llm;
    this.config = config;
    this.room = room;
    this.conversations = room.conversations();
    this.meters = meters;
  }

  int count() {
    return active.size();
  }

  /** KV bytes of the running sequences. */
  long bytes() {
    return reservedBytes;
  }

  List<Sequence> active() {
    return List.copyOf(active);
  }

  /**
   * Fits a sequence that has its prefix into the context: shortens its answer where it must.
   *
   * @throws IllegalArgumentException when not one token of the answer fits, or its KV is larger
   *     than all memory for questions
   */
  void plan(Sequence sequence) {
    int prefix = sequence.requireLease().prefix().summary().promptTokens();
    int context = llm.info().contextLength();
    int room = context - prefix - sequence.prompt.length;
    int asked = sequence.options().maxTokens();
    if (room < 1) {
      throw new IllegalArgumentException(
          "the video takes %d and the question with its history %d of the %d positions of the model's context; no place is left for an answer"
              .formatted(prefix, sequence.prompt.length, context));
    }
    sequence.maxTokens = Math.min(asked, room);
    if (room < asked) {
      sequence.warnings.add(
          "max_tokens was lowered from %d to %d to fit the context of %d positions"
              .formatted(asked, room, context));
    }
    sequence.reservedBytes =
        capacity(sequence) * llm.info().kvBytesPerToken() + viewBytes(sequence);
    if (sequence.reservedBytes > config.decodingBytes()) {
      throw new IllegalArgumentException(
          "the question and its answer of up to %d tokens need %d bytes of KV but %d are allowed"
              .formatted(sequence.maxTokens, sequence.reservedBytes, config.decodingBytes()));
    }
  }

  /** Whether a planned sequence may start now. */
  boolean hasRoomFor(Sequence sequence) {
    return active.size() < config.maxRunning()
        && reservedBytes + sequence.reservedBytes <= config.decodingBytes();
  }

  /** Opens a planned sequence: continues its session's conversation, or begins on the prefix. */
  void open(Sequence sequence) {
    assert device.isCurrent();
    sequence.time.startPrefill();
    sequence.state = Sequence.State.PREFILL;
    sequence.text = llm.newAnswerText();
    reservedBytes += sequence.reservedBytes;
    active.add(sequence);
    if (!resume(sequence)) {
      sequence.decoding = room.use(() -> openOnPrefix(sequence));
    }
    long held =
        sequence.requireDecoding().capacity() * llm.info().kvBytesPerToken() + viewBytes(sequence);
    reservedBytes += held - sequence.reservedBytes;
    sequence.reservedBytes = held;
  }

  private Decoding openOnPrefix(Sequence sequence) {
    KvPrefix prefix = sequence.requireLease().prefix();
    int capacity = (int) capacity(sequence);
    QuestionReducer reducer = sequence.options().reducer(llm.info().layers());
    return reducer == null
        ? llm.open(prefix, sequence.options().sampling(), capacity)
        : llm.open(
            prefix, sequence.options().sampling(), capacity, reducer, sequence.prompt.length);
  }

  /** Bytes of what a question with its own reducer copies from the prefix. */
  private long viewBytes(Sequence sequence) {
    QuestionReducer reducer = sequence.options().reducer(llm.info().layers());
    return reducer == null
        ? 0
        : reducer.viewBytes(sequence.requireLease().prefix().summary(), llm.info());
  }

  private boolean resume(Sequence sequence) {
    Conversations.Key key = sequence.conversationKey();
    if (key == null) {
      return false;
    }
    Conversations.Conversation kept =
        conversations.take(key, sequence.prompt, sequence.prompt.length + sequence.maxTokens);
    if (kept == null) {
      return false;
    }
    kept.lease().close();
    sequence.decoding = kept.decoding();
    sequence.fed = kept.fed().length;
    sequence.resident = sequence.fed;
    kept.decoding().restart(sequence.options().sampling());
    return true;
  }

  /** Feeds the next chunk of a question's own tokens; true when it was the last. */
  boolean prefillChunk(Sequence sequence) {
    assert device.isCurrent();
    int to = Math.min(sequence.prompt.length, sequence.fed + llm.info().prefillChunk());
    int[] tokens = Arrays.copyOfRange(sequence.prompt, sequence.fed, to);
    room.use(() -> llm.prefill(sequence.requireDecoding(), tokens));
    sequence.fed = to;
    if (to < sequence.prompt.length) {
      return false;
    }
    sequence.time.endPrefill();
    sequence.state = Sequence.State.RUNNING;
    return true;
  }

  /** Feeds every running sequence its last token; true when there was one. */
  boolean decode() {
    assert device.isCurrent();
    List<Sequence> batch = active.stream().filter(Sequence::hasPending).toList();
    if (batch.isEmpty()) {
      return false;
    }
    try {
      decode(batch);
    } catch (RuntimeException | Error e) {
      decodeApart(batch, e);
    }
    return true;
  }

  private void decode(List<Sequence> batch) {
    List<Decoding> decodings = batch.stream().map(Sequence::requireDecoding).toList();
    int[] tokens = batch.stream().mapToInt(Sequence::pending).toArray();
    room.use(() -> llm.decode(decodings, tokens));
    batch.forEach(sequence -> sequence.fed++);
  }

  /** Finds out which sequence a failed batch failed for; those that were fed are left alone. */
  private void decodeApart(List<Sequence> batch, Throwable cause) {
    for (Sequence sequence : batch) {
      if (sequence.requireDecoding().length() > sequence.fed) {
        sequence.fed++;
      } else if (batch.size() == 1) {
        fail(sequence, cause);
      } else {
        try {
          decode(List.of(sequence));
        } catch (RuntimeException | Error e) {
          fail(sequence, e);
        }
      }
    }
  }

  /** Picks the next token of every running sequence and ends those that are complete. */
  void sample() {
    assert device.isCurrent();
    for (Sequence sequence : active()) {
      if (sequence.state == Sequence.State.RUNNING) {
        try {
          sample(sequence);
        } catch (RuntimeException | Error e) {
          fail(sequence, e);
        }
      }
    }
  }

  private void sample(Sequence sequence) {
    TokenChoice choice = llm.sample(sequence.requireDecoding());
    if (sequence.choices.isEmpty()) {
      sequence.time.firstToken();
      meters.firstToken(sequence.time.firstTokenMillis());
    }
    meters.tokenGenerated();
    sequence.choices.add(choice);
    if (llm.isStop(choice.token())) {
      finish(sequence, "stop");
      return;
    }
    sequence.tokens.add(choice.token());
    if (push(sequence, sequence.requireText().push(choice.token()))
        && sequence.tokens.size() == sequence.maxTokens) {
      finish(sequence, "length");
    }
  }

  /** Gives text to the listener; false when the listener failed, which ends the sequence. */
  private boolean push(Sequence sequence, String piece) {
    sequence.answer.append(piece);
    if (piece.isEmpty()) {
      return true;
    }
    try {
      sequence.listener.onText(piece);
      return true;
    } catch (RuntimeException e) {
      log.warn("the listener of {} failed; its question is cancelled", sequence.id, e);
      CancellationException cancelled = new CancellationException("the listener failed");
      cancelled.initCause(e);
      fail(sequence, cancelled);
      return false;
    }
  }

  private void finish(Sequence sequence, String reason) {
    if (!push(sequence, sequence.requireText().finish())) {
      return;
    }
    if (!sequence.requireLease().isCached()) {
      sequence.warnings.add(uncached(sequence));
    }
    Answer answer = Receipts.answer(sequence, llm.info(), reason);
    keepConversation(sequence);
    release(sequence);
    meters.finished(reason);
    record(answer.receipt().ms());
    try {
      sequence.listener.onDone(answer);
    } catch (RuntimeException e) {
      log.warn("the listener of {} failed at its end", sequence.id, e);
    }
  }

  private String uncached(Sequence sequence) {
    long bytes = sequence.requireLease().prefix().bytes();
    return bytes > config.prefixCacheBytes()
        ? "the video's KV prefix of %d bytes is larger than the whole prefix cache of %d; it is freed after this answer"
            .formatted(bytes, config.prefixCacheBytes())
        : "the video's KV prefix left the cache while this question was answered";
  }

  private void record(Answer.StageMillis ms) {
    meters.stage("queue", ms.queue());
    meters.stage("probe", ms.probe());
    meters.stage("decode", ms.decode());
    meters.stage("vision", ms.vision());
    meters.stage("merge", ms.merge());
    meters.stage("prefill", ms.prefill());
    meters.stage("question", ms.question());
    meters.stage("total", ms.total());
  }

  /** Leaves the KV of a session's turn to the next one, unless its prefix goes with this turn. */
  private void keepConversation(Sequence sequence) {
    Conversations.Key key = sequence.conversationKey();
    if (key != null && sequence.requireLease().isCached()) {
      conversations.keep(
          key,
          new Conversations.Conversation(
              sequence.requireDecoding(), sequence.fedTokens(), sequence.requireLease().another()));
      sequence.decoding = null;
    }
  }

  /** Ends a sequence in any state; the listener hears of it once. */
  void fail(Sequence sequence, Throwable cause) {
    if (sequence.isOver()) {
      return;
    }
    Throwable told = room.refusal(cause);
    release(sequence);
    boolean cancelled = cause instanceof CancellationException;
    meters.finished(cancelled ? "cancelled" : "failed");
    try {
      sequence.listener.onFailed(told);
    } catch (RuntimeException e) {
      log.warn("the listener of {} failed at its end", sequence.id, e);
    }
  }

  /** Gives everything back. */
  private void release(Sequence sequence) {
    assert device.isCurrent();
    sequence.state = Sequence.State.DONE;
    if (active.remove(sequence)) {
      reservedBytes -= sequence.reservedBytes;
    }
    if (sequence.decoding != null) {
      sequence.decoding.close();
      sequence.decoding = null;
    }
    if (sequence.lease != null) {
      sequence.lease.close();
      sequence.lease = null;
    }
  }

  /**
   * Checks that the memory of running sequences is counted right.
   *
   * @throws IllegalStateException when it is not
   */
  void checkIntegrity() {
    long found = active.stream().mapToLong(sequence -> sequence.reservedBytes).sum();
    if (found != reservedBytes) {
      throw new IllegalStateException(
          "running questions hold " + found + " bytes; counted " + reservedBytes);
    }
  }

  /** Tokens of its own that a sequence may hold; one of a session leaves room for later turns. */
  private long capacity(Sequence sequence) {
    long needed = (long) sequence.prompt.length + sequence.maxTokens;
    if (sequence.conversationKey() == null) {
      return needed;
    }
    long most =
        llm.info().contextLength() - sequence.requireLease().prefix().summary().promptTokens();
    return Math.min(most, needed + config.conversationHeadroom());
  }
}
