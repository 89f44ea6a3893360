package vidfold.server.engine;

import java.util.List;
import vidfold.model.KvPrefix;

/** A prefix in native memory: in the cache, on lease, or both. Belongs to the inference thread. */
final class CachedPrefix {

  /**
   * What is known of the clip behind a prefix.
   *
   * @param frames presentation times in seconds
   * @param probeMillis time it took to probe the video
   * @param decodeMillis time it took to decode it
   * @param visionMillis time in the vision tower
   * @param warnings about the video
   */
  record ClipFacts(
      List<Double> frames,
      double probeMillis,
      double decodeMillis,
      double visionMillis,
      List<String> warnings) {
    ClipFacts {
      frames = List.copyOf(frames);
      warnings = List.copyOf(warnings);
    }

    static ClipFacts of(FrameSource.Clip clip, double visionMillis) {
      return new ClipFacts(
          clip.frames().times(),
          clip.probeMillis(),
          clip.decodeMillis(),
          visionMillis,
          clip.warnings());
    }

    /** The same clip for a prefix that was built from visual tokens that were there. */
    ClipFacts withoutWork() {
      return new ClipFacts(frames, 0, 0, 0, warnings);
    }

    /** Whether ffmpeg and the vision tower worked for this prefix. */
    boolean worked() {
      return visionMillis > 0;
    }
  }

  final VariantKey key;
  final VideoKey video;
  final KvPrefix prefix;
  final ClipFacts clip;
  int leases;
  boolean cached;

  CachedPrefix(VariantKey key, VideoKey video, KvPrefix prefix, ClipFacts clip) {
    this.key = key;
    this.video = video;
    this.prefix = prefix;
    this.clip = clip;
  }
}
