package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import vidfold.model.PlacementPlan.Device;
import vidfold.model.PlacementPlan.Need;
import vidfold.model.PlacementPlan.Share;

class PlacementPlanTest {

  private static final long GIB = 1L << 30;
  private static final Qwen2Config LARGE = BenchShape.LLAVA_VIDEO_72B.text();
  private static final Qwen2Config MEDIUM = BenchShape.LLAVA_VIDEO_7B.text();

  @Test
  void shouldKeepASmallModelOnTheFirstDevice() {
    PlacementPlan plan = PlacementPlan.of(need(MEDIUM, WeightFormat.STORED, 4), gpus(80, 80));
    assertThat(plan.shares()).containsExactly(new Share("cuda:0", 0, 28));
    assertThat(plan.isSplit()).isFalse();
    assertThat(plan.deviceNames()).isEqualTo("cuda:0");
  }

  /** 72B in bf16: 80 layers of 1.64 GiB, embedding and head of 2.32 GiB each. */
  @Test
  void shouldSplit72BOverTwoLargeDevices() {
    Need need = need(LARGE, WeightFormat.STORED, 4);
    assertThat(need.layerBytes() / (double) GIB).isBetween(1.63, 1.65);
    assertThat(need.endBytes() / (double) GIB).isBetween(4.6, 4.7);
    PlacementPlan plan = PlacementPlan.of(need, gpus(139, 139));
    assertThat(plan.shares())
        .containsExactly(new Share("cuda:0", 0, 40), new Share("cuda:1", 40, 40));
    assertThat(plan).hasToString("layers 0-39 on cuda:0, layers 40-79 on cuda:1");
    assertFits(need, plan, gpus(139, 139));
  }

  @Test
  void shouldSplit72BOverFourSmallerDevices() {
    Need need = need(LARGE, WeightFormat.STORED, 4);
    List<Device> devices = gpus(79, 79, 79, 79);
    PlacementPlan plan = PlacementPlan.of(need, devices);
    assertThat(plan.shares()).hasSize(4);
    assertThat(plan.shares().get(0).count()).isLessThanOrEqualTo(plan.shares().get(3).count());
    assertThat(plan.deviceNames()).isEqualTo("cuda:0,cuda:1,cuda:2,cuda:3");
    assertFits(need, plan, devices);
  }

  @Test
  void shouldPut72BInInt8OnOneLargeDevice() {
    Need need = need(LARGE, WeightFormat.INT8, 4);
    assertThat(PlacementPlan.of(need, gpus(139)).isSplit()).isFalse();
    assertThat(need.layerBytes() * 2).isEqualTo(need(LARGE, WeightFormat.STORED, 4).layerBytes());
  }

  @Test
  void shouldGiveMoreLayersToTheDeviceWithMoreRoom() {
    Need need = new Need(30, GIB, 0, 0, 0);
    assertThat(PlacementPlan.of(need, gpus(10, 30)).shares())
        .containsExactly(new Share("cuda:0", 0, 8), new Share("cuda:1", 8, 22));
    assertThat(PlacementPlan.of(need, gpus(20, 0, 20)).shares())
        .containsExactly(new Share("cuda:0", 0, 15), new Share("cuda:2", 15, 15));
  }

  @Test
  void shouldFillDevicesToTheLastLayer() {
    for (int[] rooms : new int[][] {{1, 1, 1}, {7, 3, 5}, {2, 9, 1, 4}}) {
      int layers = Arrays.stream(rooms).sum();
      Need need = new Need(layers, GIB, 0, 0, 0);
      PlacementPlan plan = PlacementPlan.of(need, gpus(rooms));
      assertThat(plan.shares().stream().mapToInt(Share::count))
          .containsExactly(Arrays.stream(rooms).boxed().toArray(Integer[]::new));
    }
  }

  @Test
  void shouldLeaveRoomForKv() {
    Need without = need(LARGE, WeightFormat.STORED, 0);
    Need with = need(LARGE, WeightFormat.STORED, 40);
    assertThat(with.kvBytes()).isEqualTo(GIB / 2);
    PlacementPlan.of(without, gpus(79, 79));
    assertThatThrownBy(() -> PlacementPlan.of(with, gpus(79, 79)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldSayWithNumbersThatAModelDoesNotFit() {
    Need need = new Need(80, 2 * GIB, GIB / 2, 5 * GIB, GIB);
    assertThatThrownBy(() -> PlacementPlan.of(need, gpus(24, 48)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the model does not fit: 80 layers take 2.50 GiB each (2.00 GiB of weights, 0.50 GiB of KV),"
                + " embedding and head 5.00 GiB on cuda:0, activations 1.00 GiB on each device;"
                + " free are 24.00 GiB on cuda:0, 48.00 GiB on cuda:1");
    assertThatThrownBy(() -> PlacementPlan.of(need, gpus(5, 480)))
        .hasMessageStartingWith("the model does not fit");
  }

  @Test
  void shouldRefuseGaps() {
    assertThatThrownBy(() -> new PlacementPlan(List.of(new Share("cpu", 1, 2))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new PlacementPlan(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Need need(Qwen2Config config, WeightFormat format, long kvGib) {
    return DecoderLayout.need(config, new LoadOptions(format, kvGib * GIB), 2);
  }

  private static List<Device> gpus(int... gib) {
    return IntStream.range(0, gib.length)
        .mapToObj(i -> new Device("cuda:" + i, gib[i] * GIB))
        .toList();
  }

  private static void assertFits(Need need, PlacementPlan plan, List<Device> devices) {
    for (int i = 0; i < devices.size(); i++) {
      long taken = need.workBytes() + plan.shares().get(i).count() * need.perLayer();
      assertThat(taken + (i == 0 ? need.endBytes() : 0)).isLessThan(devices.get(i).free());
    }
  }
}
