package vidfold.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which device holds which layers of a decoder, with their KV. Embedding, head and vision tower are
 * on the first device; hidden states move where a share ends.
 *
 * @param shares in the order of the layers, without gaps
 */
record PlacementPlan(List<Share> shares) {

  /**
   * Layers on one device.
   *
   * @param first the first of them
   * @param count how many, at least 1
   */
  record Share(String device, int first, int count) {

    /** One past the last layer. */
    int end() {
      return first + count;
    }
  }

  /** A device and the bytes that are free on it. */
  record Device(String name, long free) {}

  /**
   * What a decoder takes.
   *
   * @param layerBytes weights of one layer
   * @param kvBytes budget of KV of one layer
   * @param endBytes embedding, head and whatever else the first device has to hold
   * @param workBytes activations, on every device
   */
  record Need(int layers, long layerBytes, long kvBytes, long endBytes, long workBytes) {

    long perLayer() {
      return layerBytes + kvBytes;
    }
  }

  PlacementPlan {
    shares = List.copyOf(shares);
    int next = 0;
    for (Share share : shares) {
      if (share.first() != next || share.count() < 1) {
        throw new IllegalArgumentException("shares must follow each other but were " + shares);
      }
      next = share.end();
    }
    if (next == 0) {
      throw new IllegalArgumentException("a plan must have layers");
    }
  }

  /** All layers on one device. */
  static PlacementPlan single(String device, int layers) {
    return new PlacementPlan(List.of(new Share(device, 0, layers)));
  }

  /**
   * Puts all layers on the first device if they fit there, else shares them out by free memory:
   * each device keeps the same part of its room free.
   *
   * @throws IllegalArgumentException if they do not fit; the message has the numbers
   */
  static PlacementPlan of(Need need, List<Device> devices) {
    int[] room = new int[devices.size()];
    long total = 0;
    for (int i = 0; i < room.length; i++) {
      long ends = i == 0 ? need.endBytes() : 0;
      long left = devices.get(i).free() - need.workBytes() - ends;
      room[i] = (int) Math.min(need.layers(), Math.max(0, left / need.perLayer()));
      total += room[i];
    }
    if (room[0] == need.layers()) {
      return single(devices.get(0).name(), need.layers());
    }
    if (room[0] == 0 || total < need.layers()) {
      throw tooSmall(need, devices);
    }
    List<Share> shares = new ArrayList<>();
    int first = 0;
    long seen = 0;
    for (int i = 0; i < room.length; i++) {
      seen += room[i];
      int end = (int) ((need.layers() * seen + total - 1) / total);
      if (end > first) {
        shares.add(new Share(devices.get(i).name(), first, end - first));
        first = end;
      }
    }
    return new PlacementPlan(shares);
  }

  private static IllegalArgumentException tooSmall(Need need, List<Device> devices) {
    return new IllegalArgumentException(
        "the model does not fit: %d layers take %s each (%s of weights, %s of KV), embedding and head %s on %s, activations %s on each device; free are %s"
            .formatted(
                need.layers(),
                gib(need.perLayer()),
                gib(need.layerBytes()),
                gib(need.kvBytes()),
                gib(need.endBytes()),
                devices.get(0).name(),
                gib(need.workBytes()),
                devices.stream()
                    .map(device -> gib(device.free()) + " on " + device.name())
                    .collect(Collectors.joining(", "))));
  }

  private static String gib(long bytes) {
    return "%.2f GiB".formatted(bytes / (double) (1L << 30));
  }

  /** Whether several devices take part. */
  boolean isSplit() {
    return shares.size() > 1;
  }

  /** The devices' names with commas between them. */
  String deviceNames() {
    return shares.stream().map(Share::device).collect(Collectors.joining(","));
  }

  @Override
  public String toString() {
    return shares.stream()
        .map(
            share -> "layers %d-%d on %s".formatted(share.first(), share.end() - 1, share.device()))
        .collect(Collectors.joining(", "));
  }
}
