package vidfold.server.video;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import vidfold.model.SamplingRule;
import vidfold.server.engine.FrameSource;
import vidfold.server.engine.TimeOrderedIds;
import vidfold.video.Cancellation;
import vidfold.video.VideoException;
import vidfold.video.VideoInfo;

/**
 * The stored videos: their bytes, their metadata and the way to their frames.
 *
 * <p>The same bytes are one video within a tenant, and nothing is shared between tenants. A stored
 * video survives a kill and a power cut; what a kill leaves half done is put right when the library
 * is created. A failed video keeps its metadata, but not its bytes.
 *
 * <p>{@link #begin} and {@link #read} never block. The other methods block for the disk, usually
 * well below a millisecond for reading and some milliseconds for changing: not from an event loop
 * or the inference thread. Thread-safe.
 */
public final class VideoLibrary implements FrameSource, AutoCloseable {
  private static final int UPLOAD_THREADS = 4;

  private final VideoFiles files;
  private final VideoRows rows;
  private final LibraryConfig config;
  private final FrameReader reader;
  private final ExecutorService uploadPool;
  private final TimeOrderedIds ids = new TimeOrderedIds(Clock.systemUTC());
  private final Clock clock = Clock.systemUTC();
  private final ProbeCache probes = new ProbeCache();
  private final Map<String, String> digests = new ConcurrentHashMap<>();
  private final RunningReads reads;
  private final Set<Upload> uploads = ConcurrentHashMap.newKeySet();
  private final List<BiConsumer<String, String>> deleteListeners = new CopyOnWriteArrayList<>();

  /** Held while a file and its row change together. */
  private final ReentrantLock placing = new ReentrantLock();

  /**
   * Opens the library and puts right what a kill left half done.
   *
   * @param videoPool runs probes and decodes, which take seconds; stays the caller's
   */
  public VideoLibrary(
      Path dataFolder,
      Database database,
      VideoIo io,
      LibraryConfig config,
      ExecutorService videoPool) {
    this.files = new VideoFiles(dataFolder);
    this.rows = new VideoRows(database.jdbi());
    this.config = config;
    this.reader = new FrameReader(io, config.maxFrameBytes());
    this.reads = new RunningReads(videoPool);
    AtomicInteger number = new AtomicInteger();
    this.uploadPool =
        Executors.newFixedThreadPool(
            UPLOAD_THREADS,
            task -> {
              Thread thread = new Thread(task, "vidfold-upload-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    Recovery.run(files, rows);
  }

  /**
   * Begins an upload; never blocks.
   *
   * @param fileName what the client calls it, for display only
   * @param declaredBytes the length that the client announced, to refuse early; -1 when unknown
   * @throws StoreException {@code TOO_LARGE} when the announced length is too large
   */
  public Upload begin(String tenant, @Nullable String fileName, long declaredBytes) {
    VideoFiles.requireTenant(tenant);
    if (declaredBytes > config.maxBytes()) {
      throw Upload.tooLarge(config);
    }
    Upload.Target target =
        new Upload.Target(ids.next("vid_"), tenant, DisplayName.of(fileName), config);
    Upload upload = new Upload(target, files, uploadPool, this::admit, uploads::remove);
    uploads.add(upload);
    return upload.start(declaredBytes);
  }

  /** Takes in the bytes of a finished upload, or drops them where the tenant has them already. */
  private VideoRecord admit(Upload.Received received) throws IOException {
    placing.lock();
    try {
      Optional<VideoRecord> known = rows.findContent(received.tenant(), received.sha256());
      if (known.isEmpty()) {
        files.place(received.id(), received.tenant(), received.sha256());
        rows.insert(fresh(received));
        return require(received.tenant(), received.id());
      }
      VideoRecord video = known.get();
      boolean failed = video.state() == VideoRecord.State.FAILED;
      if (failed || !files.holds(video.tenant(), video.sha256(), video.bytes())) {
        files.place(received.id(), received.tenant(), received.sha256());
      }
      if (failed) {
        rows.restart(video.tenant(), video.id());
      }
      return require(video.tenant(), video.id());
    } finally {
      placing.unlock();
    }
  }

  private VideoRecord fresh(Upload.Received received) {
    return new VideoRecord(
        received.tenant(),
        received.id(),
        received.sha256(),
        received.bytes(),
        received.name(),
        VideoRecord.State.UPLOADING,
        clock.instant(),
        null,
        null);
  }

  /** One video. */
  public Optional<VideoRecord> find(String tenant, String id) {
    return rows.find(tenant, id);
  }

  /**
   * Videos of a tenant, newest first.
   *
   * @param limit the most videos to return, 1 to 1000
   * @param after id of the last video of the page before, or null for the first page
   */
  public List<VideoRecord> list(String tenant, int limit, @Nullable String after) {
    if (limit < 1 || limit > 1000) {
      throw new IllegalArgumentException("limit must be in [1, 1000] but was " + limit);
    }
    return rows.list(tenant, limit, after);
  }

  /**
   * Removes a video with everything that belongs to it: bytes, sessions, cached probe, running
   * reads; then tells the listeners. False when there is no such video.
   */
  public boolean delete(String tenant, String id) {
    placing.lock();
    try {
      Optional<VideoRecord> video = rows.find(tenant, id);
      if (video.isEmpty() || !rows.delete(tenant, id)) {
        return false;
      }
      files.deleteStored(tenant, video.get().sha256());
    } finally {
      placing.unlock();
    }
    String key = key(tenant, id);
    probes.remove(key);
    digests.remove(key);
    reads.cancel(key);
    deleteListeners.forEach(listener -> listener.accept(tenant, id));
    return true;
  }

  /** Registers what is called with tenant and id after a video is deleted. */
  void onDelete(BiConsumer<String, String> listener) {
    deleteListeners.add(listener);
  }

  @Override
  public String sha256(String tenant, String videoId) {
    return digests.computeIfAbsent(key(tenant, videoId), key -> require(tenant, videoId).sha256());
  }

  @Override
  public CompletableFuture<Clip> read(String tenant, String videoId, SamplingRule rule) {
    return onVideoPool(
        tenant,
        videoId,
        (video, cancellation) ->
            reader.read(file(video), probe(video, cancellation), rule, cancellation));
  }

  /** Probes a video and keeps what was found; completes as {@link #read} does. */
  CompletableFuture<VideoRecord.Facts> probe(String tenant, String videoId) {
    return onVideoPool(
        tenant,
        videoId,
        (video, cancellation) -> {
          VideoRecord.Facts facts = facts(probe(video, cancellation).info());
          rows.setFacts(tenant, videoId, facts);
          return facts;
        });
  }

  private FrameReader.Probed probe(VideoRecord video, Cancellation cancellation) {
    String key = key(video.tenant(), video.id());
    Optional<VideoInfo> known = probes.find(key);
    if (known.isPresent()) {
      return new FrameReader.Probed(known.get(), 0);
    }
    long start = System.nanoTime();
    VideoInfo info = reader.probe(file(video), cancellation);
    probes.put(key, info);
    return new FrameReader.Probed(info, FrameReader.millisSince(start));
  }

  private static VideoRecord.Facts facts(VideoInfo info) {
    return new VideoRecord.Facts(
        info.durationSeconds(),
        info.width(),
        info.height(),
        info.frameCount(),
        info.averageFps(),
        info.codec(),
        info.container(),
        info.audioTracks() > 0);
  }

  /** Work that a child process does on a video's file. */
  private interface FileWork<T> {
    T on(VideoRecord video, Cancellation cancellation);
  }

  /** Runs work on a video's file; cancelling the future, or deleting the video, stops it. */
  private <T> CompletableFuture<T> onVideoPool(String tenant, String id, FileWork<T> work) {
    return reads.start(
        key(tenant, id),
        cancellation -> {
          VideoRecord video = require(tenant, id);
          if (video.state() == VideoRecord.State.FAILED) {
            throw new StoreException(
                StoreException.Kind.NOT_READY, "The video '" + id + "' cannot be used.");
          }
          try {
            return work.on(video, cancellation);
          } catch (VideoException failure) {
            // Whatever goes wrong with a file that was removed meanwhile has this one reason.
            require(tenant, id);
            throw failure;
          }
        });
  }

  /** Videos whose ingest has not come to an end, oldest first. */
  List<VideoRecord> unfinished() {
    return rows.unfinished();
  }

  /** Persists a state of ingest. */
  VideoRecord enter(String tenant, String id, VideoRecord.State state) {
    rows.enter(tenant, id, state);
    return require(tenant, id);
  }

  /** Counts one more begin of ingest and returns how many there were. */
  int countAttempt(String tenant, String id) {
    return rows.countAttempt(tenant, id);
  }

  /** Persists that a video cannot be used and removes its bytes. */
  VideoRecord fail(String tenant, String id, VideoRecord.Failure failure) {
    placing.lock();
    try {
      rows.fail(tenant, id, failure);
      VideoRecord video = require(tenant, id);
      files.deleteStored(tenant, video.sha256());
      return video;
    } finally {
      placing.unlock();
    }
  }

  /** The video, or {@code NO_SUCH_VIDEO}. */
  VideoRecord require(String tenant, String id) {
    return rows.find(tenant, id).orElseThrow(() -> StoreException.noSuchVideo(id));
  }

  private Path file(VideoRecord video) {
    return files.stored(video.tenant(), video.sha256());
  }

  private static String key(String tenant, String id) {
    return tenant + "/" + id;
  }

  /** Drops uploads that are under way and stops running reads. */
  @Override
  public void close() {
    List<CompletableFuture<Void>> aborts = uploads.stream().map(Upload::abort).toList();
    CompletableFuture.allOf(aborts.toArray(CompletableFuture[]::new)).join();
    uploadPool.shutdown();
    reads.cancelAll();
  }
}
