package vidfold.model;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.merging.MergedTokens;
import vidfold.merging.TokenMerger;
import vidfold.merging.VideoTokens;
import vidfold.torch.Tensor;

/**
 * Builds the prefix of one video in steps: vision, then the decoder layers below the merge layer on
 * all tokens, then the merge, then the other layers on the survivors. At merge layer 0 the merge
 * comes right after vision. Survivors keep the M-RoPE ids of their top-left cell; text after the
 * video keeps its ids.
 */
final class Qwen2VlPrefixBuild implements PrefixBuild {

  private enum Phase {
    VISION,
    LOWER,
    MERGE,
    UPPER,
    DONE
  }

  /**
   * What a build works with.
   *
   * @param visionSteps temporal steps encoded at once
   * @param chunk tokens prefilled at once
   */
  record Parts(
      Qwen2VlVision vision,
      Qwen2Decoder decoder,
      TokenMerger merger,
      Qwen2VlConfig config,
      int visionSteps,
      int chunk) {}

  private final Parts parts;
  private final int[] before;
  private final int[] after;
  private final int mergeLayer;
  private final int steps;
  private final int rows;
  private final int cols;
  private final VideoFrames frames;
  private final List<ByteBuffer> pixels;
  private final List<Tensor> encoded = new ArrayList<>();
  private final List<Tensor> chunks = new ArrayList<>();

  private Phase phase = Phase.VISION;
  private Positions positions;
  private @Nullable Tensor hidden;
  private @Nullable Tensor lower;
  private @Nullable Tensor upper;
  private @Nullable MergedTokens merged;
  private int survivors;
  private int done;
  private double visionMillis;
  private double mergeMillis;
  private double prefillMillis;

  Qwen2VlPrefixBuild(Parts parts, Prompt prompt, VideoFrames frames, int mergeLayer) {
    VisionConfig vision = parts.config().vision();
    int side = vision.patch() * vision.merge();
    if (frames.width() % side != 0 || frames.height() % side != 0) {
      throw new IllegalArgumentException(
          "frames must have sides that are multiples of "
              + side
              + " but are "
              + frames.width()
              + "x"
              + frames.height());
    }
    if (mergeLayer >= parts.config().text().layers()) {
      throw new IllegalArgumentException(
          "merge layer must be below the model's "
              + parts.config().text().layers()
              + " layers but was "
              + mergeLayer);
    }
    this.parts = parts;
    this.before = prompt.beforeVideo();
    this.after = prompt.afterVideo();
    this.mergeLayer = mergeLayer;
    this.frames = frames;
    this.pixels = padded(frames.rgb(), vision.temporalPatch());
    this.steps = pixels.size() / vision.temporalPatch();
    this.rows = frames.height() / side;
    this.cols = frames.width() / side;
    Positions video = Positions.video(before.length, steps, rows, cols);
    Positions head = Positions.text(0, before.length).then(video);
    this.positions = head.then(Positions.text(head.next(), after.length));
    this.survivors = video.size();
  }

  @Override
  public boolean advance() {
    long start = System.nanoTime();
    switch (phase) {
      case VISION -> {
        encodeNext();
        visionMillis += millisSince(start);
      }
      case LOWER -> {
        prefillLower();
        prefillMillis += millisSince(start);
      }
      case MERGE -> {
        merge();
        mergeMillis += millisSince(start);
      }
      case UPPER -> {
        prefillUpper();
        prefillMillis += millisSince(start);
      }
      case DONE -> {}
    }
    return phase == Phase.DONE;
  }

  @Override
  public KvPrefix finish() {
    if (phase != Phase.DONE || lower == null || upper == null) {
      throw new IllegalStateException("the prefix is not built yet");
    }
    int textTokens = before.length + after.length;
    int visual = steps * rows * cols;
    long next = positions.next();
    int[] prompt = promptTokens();
    KvPrefix prefix =
        new KvPrefix(
            new KvPrefix.Summary(
                visual,
                survivors,
                survivors + textTokens,
                (double) survivors / visual,
                merged == null ? null : merged.retention().thresholds(),
                visionMillis,
                mergeMillis,
                prefillMillis),
            List.of(lower, upper),
            bytes(visual + textTokens, survivors + textTokens),
            new PrefixKv(lower, upper, next, next, prompt));
    lower = null;
    upper = null;
    close();
    return prefix;
  }

  @Override
  public void close() {
    encoded.forEach(Tensor::close);
    encoded.clear();
    chunks.forEach(Tensor::close);
    chunks.clear();
    free(hidden);
    free(lower);
    free(upper);
    hidden = null;
    lower = null;
    upper = null;
    if (merged != null) {
      merged.close();
      merged = null;
    }
    phase = Phase.DONE;
  }

  private void encodeNext() {
    int depth = parts.config().vision().temporalPatch();
    int to = Math.min(steps, done + parts.visionSteps());
    encoded.add(
        parts
            .vision()
            .encode(pixels.subList(done * depth, to * depth), frames.width(), frames.height()));
    done = to;
    if (done == steps) {
      enterDecoder();
    }
  }

  private void enterDecoder() {
    try (Tensor visual = parts.decoder().cat(encoded)) {
      hidden = parts.decoder().join(before, visual, after);
    }
    encoded.forEach(Tensor::close);
    encoded.clear();
    done = 0;
    lower = parts.decoder().newCache(mergeLayer, mergeLayer == 0 ? 0 : positions.size());
    phase = mergeLayer == 0 ? Phase.MERGE : Phase.LOWER;
  }

  private void prefillLower() {
    chunks.add(prefill(require(lower), 0, false));
    if (done == positions.size()) {
      free(hidden);
      hidden = parts.decoder().cat(chunks);
      chunks.forEach(Tensor::close);
      chunks.clear();
      phase = Phase.MERGE;
    }
  }

  private void merge() {
    int visual = steps * rows * cols;
    Tensor all = require(hidden);
    try (Tensor tokens = parts.decoder().rows(all, before.length, visual)) {
      merged = parts.merger().merge(new VideoTokens(tokens, steps, rows, cols));
    }
    survivors = merged.sourceIndex().length;
    if (survivors < visual) {
      hidden = parts.decoder().splice(all, before.length, before.length + visual, merged.values());
      all.close();
      positions = positionsOfSurvivors(merged.sourceIndex(), visual);
    }
    int upperLayers = parts.config().text().layers() - mergeLayer;
    upper = parts.decoder().newCache(upperLayers, positions.size());
    done = 0;
    phase = Phase.UPPER;
  }

  private Positions positionsOfSurvivors(int[] source, int visual) {
    return positions
        .slice(0, before.length)
        .then(positions.slice(before.length, before.length + visual).pick(source))
        .then(positions.slice(before.length + visual, positions.size()));
  }

  private void prefillUpper() {
    prefill(require(upper), mergeLayer, true).close();
    if (done == positions.size()) {
      phase = Phase.DONE;
    }
  }

  private Tensor prefill(Tensor kv, int firstLayer, boolean kvOnly) {
    int count = Math.min(parts.chunk(), positions.size() - done);
    try (Tensor x = parts.decoder().rows(require(hidden), done, count)) {
      Tensor out =
          parts
              .decoder()
              .prefillPrefix(x, positions.slice(done, done + count), kv, firstLayer, done, kvOnly);
      done += count;
      return out;
    }
  }

  private long bytes(int lowerTokens, int upperTokens) {
    int layers = parts.config().text().layers();
    return parts.decoder().cacheBytes(mergeLayer, lowerTokens)
        + parts.decoder().cacheBytes(layers - mergeLayer, upperTokens);
  }

  private int[] promptTokens() {
    int[] out = new int[before.length + after.length + 1];
    System.arraycopy(before, 0, out, 0, before.length);
    System.arraycopy(after, 0, out, before.length, after.length);
    out[out.length - 1] = parts.config().videoToken();
    return out;
  }

  /** Repeats the last frame until whole temporal steps are filled. */
  private static List<ByteBuffer> padded(List<ByteBuffer> frames, int depth) {
    List<ByteBuffer> out = new ArrayList<>(frames);
    while (out.size() % depth != 0) {
      out.add(out.get(out.size() - 1));
    }
    return out;
  }

  private static Tensor require(@Nullable Tensor tensor) {
    if (tensor == null) {
      throw new IllegalStateException("this build is closed");
    }
    return tensor;
  }

  private static void free(@Nullable Tensor tensor) {
    if (tensor != null) {
      tensor.close();
    }
  }

  private static double millisSince(long start) {
    return (System.nanoTime() - start) / 1e6;
  }
}
