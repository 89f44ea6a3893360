package vidfold.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import vidfold.merging.MergedTokens;
import vidfold.merging.TokenMerger;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.torch.Tensor;

/**
 * Builds the prefix of one encoded video in steps: the decoder layers below the merge layer on all
 * tokens, then the merge, then the other layers on the survivors. At merge layer 0 the merge comes
 * first. What tokens enter the decoder, and how they are numbered before and after the merge, is
 * the {@link Adapter}'s business.
 */
final class VideoPrefixBuild implements PrefixBuild {

  private enum Phase {
    ENTRY,
    LOWER,
    MERGE,
    UPPER,
    DONE
  }

  /**
   * What a build works with.
   *
   * @param chunk tokens prefilled at once
   */
  record Parts(Adapter adapter, Qwen2Decoder decoder, TokenMergers mergers, int chunk) {}

  private final Parts parts;
  private final Adapter adapter;
  private final int[] before;
  private final int[] after;
  private final int mergeLayer;
  private final @Nullable TokenMerger merger;
  private final VisualGrid grid;
  private final long[] stepIds;
  private final List<Tensor> chunks = new ArrayList<>();

  private Phase phase = Phase.ENTRY;
  private Positions allPositions = Positions.text(0, 0);
  private Positions positions = Positions.text(0, 0);
  private @Nullable Tensor visual;
  private @Nullable Tensor saliency;
  private @Nullable Tensor hidden;
  private @Nullable LayerKv lower;
  private @Nullable LayerKv upper;
  private @Nullable MergedTokens merged;
  private int done;
  private double mergeMillis;
  private double prefillMillis;

  /** Takes a share of its own of the visual tokens. */
  VideoPrefixBuild(Parts parts, int[] beforeVideo, VisualTokens video, PrefixSpec spec) {
    this.parts = parts;
    this.adapter = parts.adapter();
    int layers = adapter.text().layers();
    if (spec.mergeLayer() >= layers) {
      throw new IllegalArgumentException(
          "merge layer must be below the model's "
              + layers
              + " layers but was "
              + spec.mergeLayer());
    }
    this.grid = video.grid();
    this.stepIds = video.stepIds();
    this.before = beforeVideo;
    this.after = video.afterVideo();
    this.mergeLayer = spec.mergeLayer();
    boolean merges = !spec.merge().reducer().equals("none");
    this.merger = merges ? parts.mergers().create(spec.merge()) : null;
    this.visual = video.tokens().share();
    Tensor attention = video.saliency();
    this.saliency = attention == null ? null : attention.share();
  }

  @Override
  public boolean advance() {
    long start = System.nanoTime();
    switch (phase) {
      case ENTRY -> {
        enterDecoder();
        prefillMillis += millisSince(start);
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
    int all = grid.tokens();
    int survivors = merged == null ? all : merged.count();
    KvPrefix prefix =
        new KvPrefix(
            new KvPrefix.Summary(
                all,
                survivors,
                positions.size(),
                (double) survivors / all,
                merged == null ? null : merged.retention().thresholds(),
                mergeMillis,
                prefillMillis),
            Stream.of(lower, upper).flatMap(kv -> kv.parts().stream()).toList(),
            bytes(),
            new PrefixKv(
                lower,
                upper,
                allPositions.next(),
                adapter.positions().next(allPositions, positions),
                promptTokens(),
                new VisualRows(
                    before.length,
                    positions.slice(before.length, positions.size() - after.length))));
    lower = null;
    upper = null;
    close();
    return prefix;
  }

  @Override
  public void close() {
    chunks.forEach(Tensor::close);
    chunks.clear();
    free(visual);
    free(saliency);
    saliency = null;
    free(hidden);
    if (lower != null) {
      lower.close();
    }
    if (upper != null) {
      upper.close();
    }
    visual = null;
    hidden = null;
    lower = null;
    upper = null;
    if (merged != null) {
      merged.close();
      merged = null;
    }
    phase = Phase.DONE;
  }

  private void enterDecoder() {
    int rows;
    try (Tensor arranged = adapter.arrange(require(visual), grid, merger != null)) {
      rows = Math.toIntExact(arranged.shape()[0]);
      hidden = parts.decoder().join(before, arranged, after);
    }
    free(visual);
    visual = null;
    Positions all = adapter.positions().video(before.length, grid, stepIds, rows);
    Positions head = Positions.text(0, before.length).then(all);
    allPositions = head.then(Positions.text(head.next(), after.length));
    positions = allPositions;
    done = 0;
    lower = parts.decoder().newCache(0, mergeLayer, mergeLayer == 0 ? 0 : positions.size());
    phase = mergeLayer == 0 ? Phase.MERGE : Phase.LOWER;
  }

  private void prefillLower() {
    chunks.add(prefill(require(lower), false));
    if (done == positions.size()) {
      free(hidden);
      hidden = parts.decoder().cat(chunks);
      chunks.forEach(Tensor::close);
      chunks.clear();
      phase = Phase.MERGE;
    }
  }

  private void merge() {
    if (merger != null) {
      mergeVideo(merger);
    }
    upper = parts.decoder().newCache(mergeLayer, adapter.text().layers(), positions.size());
    done = 0;
    phase = Phase.UPPER;
  }

  private void mergeVideo(TokenMerger reducer) {
    int count = grid.tokens();
    Tensor all = require(hidden);
    try (Tensor tokens = parts.decoder().rows(all, before.length, count)) {
      merged =
          reducer.merge(new VideoTokens(tokens, grid.steps(), grid.rows(), grid.cols(), saliency));
    }
    if (merged.count() < count) {
      hidden = parts.decoder().splice(all, before.length, before.length + count, merged.values());
      all.close();
      positions =
          adapter.positions().merged(allPositions, before.length, count, merged.sourceIndex());
    }
  }

  private void prefillUpper() {
    prefill(require(upper), true).close();
    if (done == positions.size()) {
      phase = Phase.DONE;
    }
  }

  private Tensor prefill(LayerKv kv, boolean kvOnly) {
    int count = Math.min(parts.chunk(), positions.size() - done);
    try (Tensor x = parts.decoder().rows(require(hidden), done, count)) {
      Tensor out =
          parts.decoder().prefillPrefix(x, positions.slice(done, done + count), kv, done, kvOnly);
      done += count;
      return out;
    }
  }

  private long bytes() {
    int layers = adapter.text().layers();
    return parts.decoder().cacheBytes(mergeLayer, allPositions.size())
        + parts.decoder().cacheBytes(layers - mergeLayer, positions.size());
  }

  private int[] promptTokens() {
    return Stream.of(before, after, adapter.placeholders()).flatMapToInt(Arrays::stream).toArray();
  }

  private static <T> T require(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("this build is closed");
    }
    return part;
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
