package vidfold.server.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import vidfold.model.SamplingRule;
import vidfold.model.VideoFrames;

/**
 * Frames of videos that exist by their name alone. Those of a held video come when {@link #release}
 * is called; those of a broken one never.
 */
final class FakeFrames implements FrameSource {
  final AtomicInteger reads = new AtomicInteger();
  final List<CompletableFuture<Clip>> started = new CopyOnWriteArrayList<>();
  final Set<String> broken = ConcurrentHashMap.newKeySet();
  final Set<String> missing = ConcurrentHashMap.newKeySet();
  private final Set<String> held = ConcurrentHashMap.newKeySet();
  private final Map<String, List<CompletableFuture<Clip>>> waiting = new ConcurrentHashMap<>();

  synchronized void hold(String videoId) {
    held.add(videoId);
  }

  synchronized void release(String videoId) {
    held.remove(videoId);
    List<CompletableFuture<Clip>> readings = waiting.remove(videoId);
    if (readings != null) {
      readings.forEach(reading -> reading.complete(clip(videoId)));
    }
  }

  @Override
  public synchronized CompletableFuture<Clip> read(
      String tenant, String videoId, SamplingRule rule) {
    reads.incrementAndGet();
    if (missing.contains(videoId)) {
      return CompletableFuture.failedFuture(new IllegalStateException("no such video"));
    }
    if (broken.contains(videoId)) {
      return CompletableFuture.supplyAsync(
          () -> {
            throw new IllegalStateException("the video is broken");
          });
    }
    CompletableFuture<Clip> reading = new CompletableFuture<>();
    started.add(reading);
    if (held.contains(videoId)) {
      waiting.computeIfAbsent(videoId, id -> new CopyOnWriteArrayList<>()).add(reading);
    } else {
      reading.complete(clip(videoId));
    }
    return reading;
  }

  @Override
  public String sha256(String tenant, String videoId) {
    if (missing.contains(videoId)) {
      throw new IllegalStateException("no such video");
    }
    return "sha of " + videoId;
  }

  private static Clip clip(String videoId) {
    List<ByteBuffer> frames = new ArrayList<>();
    for (int f = 0; f < 4; f++) {
      ByteBuffer frame = ByteBuffer.allocateDirect(4 * 4 * 3);
      frame.put(0, (byte) f).putInt(4, videoId.hashCode());
      frames.add(frame);
    }
    return new Clip(
        new VideoFrames(frames, 4, 4, List.of(0.0, 0.5, 1.0, 1.5)),
        2,
        5,
        List.of("a frame of " + videoId + " was repeated"));
  }
}
