package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;

/** What the settings of a LLaVA folder turn into. */
class LlavaCheckpointTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "mm_projector_type, linear, mlp2x_gelu",
    "mm_vision_select_feature, cls_patch, patch",
    "mm_pooling_position, before, after",
    "mm_resampler_type, spatial_pool, null",
    "add_faster_video, true, false",
    "mm_use_im_start_end, true, false",
    "use_pos_skipping, true, false",
    "mm_spatial_pool_mode, median, bilinear",
    "mm_newline_position, row, 'no_token, grid, frame or one_token'"
  })
  void shouldRefuseWhatItWouldAnswerWrongly(String key, String value, String expected)
      throws IOException {
    assertThatThrownBy(() -> config(c -> put(c, key, value)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(key + ": expected")
        .hasMessageContaining(expected)
        .hasMessageContaining(value);
  }

  @Test
  void shouldKnowTheTowerByItsName() throws IOException {
    LlavaConfig config = config(c -> c.remove("vision_config"));
    assertThat(config.vision()).isEqualTo(SiglipConfig.SO400M_384);
    assertThat(config.vision().patches()).isEqualTo(729);
    assertThat(config.side() * config.side()).isEqualTo(196);
  }

  @Test
  void shouldRefuseATowerItDoesNotKnow() {
    assertThatThrownBy(
            () -> config(c -> put(without(c, "vision_config"), "mm_vision_tower", "openai/clip")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("mm_vision_tower: expected a siglip-so400m-patch14-384")
        .hasMessageContaining("openai/clip");
  }

  @ParameterizedTest
  @CsvSource({"-2, 2", "-1, 3", "-3, 1", "2, 2", "3, 3"})
  void shouldRunTheBlocksUpToTheSelectedLayer(int layer, int blocks) throws IOException {
    assertThat(config(c -> c.put("mm_vision_select_layer", layer)).vision().blocks())
        .isEqualTo(blocks);
  }

  @ParameterizedTest
  @ValueSource(ints = {-4, 0, 4})
  void shouldRefuseALayerThatTheTowerDoesNotHave(int layer) {
    assertThatThrownBy(() -> config(c -> c.put("mm_vision_select_layer", layer)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no output of layer " + layer + " of 3");
  }

  @ParameterizedTest
  @CsvSource({"projector_hidden_act, relu, gelu", "vision_feature_select_strategy, default, full"})
  void shouldRefuseAConversionThatItWouldAnswerWrongly(String key, String value, String expected)
      throws IOException {
    LlavaFolders.writeNested(folder, "vision_tower.", c -> c.put(key, value));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThatThrownBy(() -> LlavaCheckpoint.config(checkpoint))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(key + ": expected " + expected)
          .hasMessageContaining(value);
    }
  }

  @ParameterizedTest
  @CsvSource({"bilinear, 2, 4", "bilinear, 3, 3", "average, 2, 3", "max, 2, 3", "average, 3, 2"})
  void shouldPoolToTheSideThatTheModeLeaves(String mode, int stride, int side) throws IOException {
    LlavaConfig config =
        config(c -> c.put("mm_spatial_pool_mode", mode).put("mm_spatial_pool_stride", stride));
    assertThat(config.side()).isEqualTo(side);
  }

  @ParameterizedTest
  @CsvSource({
    ", false, 1, 128",
    ", true, 64, 128",
    "32, true, 32, 32",
    "110, false, 1, 110",
    "-1, false, 1, 128"
  })
  void shouldTakeTheFramesThatTheFolderAsksFor(Integer cap, boolean forced, int least, int most)
      throws IOException {
    LlavaConfig config = config(c -> c.put("force_sample", forced).put("frames_upbound", cap));
    assertThat(config.sampling()).isEqualTo(new SamplingRule(1, least, most, false));
  }

  @Test
  void shouldTellTheFamiliesApartByTheirSettings() throws IOException {
    assertThat(config(c -> {}).family()).isEqualTo("llava-onevision");
    assertThat(config(c -> {}).newline()).isEqualTo(NewlineMode.ONE_TOKEN);
  }

  @Test
  void shouldCallItLlavaVideoWhenItHasItsSettings() throws IOException {
    LlavaConfig config =
        config(c -> c.put("mm_newline_position", "grid").put("add_time_instruction", true));
    assertThat(config.family()).isEqualTo("llava-video");
    assertThat(config.newline()).isEqualTo(NewlineMode.GRID);
    assertThat(config.timeInstruction()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "spatial_unpad, one_token, ONE_TOKEN", "spatial_unpad, grid, GRID", "spatial, grid, GRID",
    "spatial, one_token, NO_TOKEN", "flat, grid, NO_TOKEN", ", one_token, NO_TOKEN"
  })
  void shouldHaveNewlinesOnlyAmongFeaturesThatArePutTogetherByPlace(
      String merge, String asked, NewlineMode mode) throws IOException {
    LlavaConfig config =
        config(c -> c.put("mm_patch_merge_type", merge).put("mm_newline_position", asked));
    assertThat(config.newline()).isEqualTo(mode);
  }

  @Test
  void shouldSayWhenTheFramesWereShown() {
    List<ByteBuffer> frames =
        IntStream.range(0, 3).mapToObj(i -> ByteBuffer.allocateDirect(3)).toList();
    VideoFrames video = new VideoFrames(frames, 1, 1, List.of(0.0, 1.125, 70.005), 71.0);
    assertThat(LlavaConversation.timeInstruction(video))
        .isEqualTo(
            "The video lasts for 71.00 seconds, and 3 frames are uniformly sampled from it. These"
                + " frames are located at 0.00s,1.12s,70.00s.Please answer the following questions"
                + " related to this video.\n");
  }

  private LlavaConfig config(Consumer<ObjectNode> settings) throws IOException {
    LlavaFolders.writeLmmsLab(folder, settings);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return LlavaCheckpoint.config(checkpoint);
    }
  }

  private static ObjectNode without(ObjectNode config, String key) {
    config.remove(key);
    return config;
  }

  private static void put(ObjectNode config, String key, String value) {
    if (value.equals("true")) {
      config.put(key, true);
    } else {
      config.put(key, value);
    }
  }
}
