package vidfold.server.video;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import vidfold.video.VideoInfo;

/**
 * The latest probes, so that reading a video again need not walk its packets again. Bounded by the
 * number of frame times it holds. Thread-safe.
 */
final class ProbeCache {
  /** 8 bytes each: 16 MiB. */
  private static final long MAX_FRAMES = 2L << 20;

  private final Map<String, VideoInfo> probes = new LinkedHashMap<>(16, 0.75f, true);
  private long frames;

  synchronized Optional<VideoInfo> find(String id) {
    return Optional.ofNullable(probes.get(id));
  }

  synchronized void put(String id, VideoInfo info) {
    remove(id);
    probes.put(id, info);
    frames += info.frameCount();
    var oldest = probes.entrySet().iterator();
    while (frames > MAX_FRAMES && probes.size() > 1) {
      frames -= oldest.next().getValue().frameCount();
      oldest.remove();
    }
  }

  synchronized void remove(String id) {
    VideoInfo info = probes.remove(id);
    if (info != null) {
      frames -= info.frameCount();
    }
  }
}
