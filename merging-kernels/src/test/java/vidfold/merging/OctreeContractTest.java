package vidfold.merging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class OctreeContractTest extends ReducerContract {

  @Override
  String reducer() {
    return "octree";
  }

  @Override
  PlainSttm.Result twin(Video video, MergeSpec spec, Retention used) {
    return tree(video, used.thresholds().spatial()).trim(wanted(video, spec)).result();
  }

  private static PlainGroups tree(Video video, double threshold) {
    PlainGroups groups = new PlainGroups(video);
    Quadtree plane = new Quadtree(video.h(), video.w(), new SttmOptions(true, 1, false));
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < video.tokens(); i++) {
      all.add(i);
    }
    split(groups, plane, -1, all, threshold);
    groups.list.sort(Comparator.comparingInt(group -> group.source));
    return groups;
  }

  private static void split(
      PlainGroups groups, Quadtree plane, int level, List<Integer> tokens, double threshold) {
    Video video = groups.video;
    int leaves = video.h() * video.w();
    if (level == plane.levels() - 1) {
      groups.list.add(groups.token(tokens.get(0)));
      return;
    }
    Map<List<Integer>, List<Integer>> children =
        new TreeMap<>(Comparator.comparing(List::toString));
    for (int i : tokens) {
      int frames = 1 << (plane.levels() - 2 - level);
      List<Integer> cell = List.of(i / leaves / frames, plane.cellOf(level + 1, i % leaves));
      children.computeIfAbsent(cell, key -> new ArrayList<>()).add(i);
    }
    boolean stops = level >= 0 && children.size() > 1;
    PlainGroups.Group whole = sum(groups, tokens);
    for (List<Integer> child : children.values()) {
      stops &= PlainGroups.cosine(whole.sum, sum(groups, child).sum) >= (float) threshold;
    }
    if (stops) {
      int[] box = plane.box(level, tokens.get(0) % leaves);
      System.arraycopy(box, 0, whole.box, 1, 4);
      groups.list.add(whole);
    } else {
      children.values().forEach(child -> split(groups, plane, level + 1, child, threshold));
    }
  }

  private static PlainGroups.Group sum(PlainGroups groups, List<Integer> tokens) {
    PlainGroups.Group out = groups.token(tokens.get(0));
    tokens.subList(1, tokens.size()).forEach(i -> out.take(groups.token(i)));
    return out;
  }

  /** 14 x 14 has roots of 4 x 4 cells over four frames: constant videos keep only those. */
  @Test
  void shouldKeepRootsOfConstantVideo() {
    MergeSpec spec = new MergeSpec("octree", "strict", null, new MergeSpec.Thresholds(.9, 1));
    TokenMerger merger = rig.mergers().create(spec);
    MergedTokens merged = rig.merge(Video.constant(9, 14, 14, 8), merger).tokens();
    assertThat(merged.count()).isEqualTo(3 * 16);
    assertThat(merged.boxes()).startsWith(0, 0, 0, 2, 2, 0, 0, 2, 2, 6);
    assertThat(merged.patchCount()).startsWith(16, 32).endsWith(16);
  }
}
