package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.checkpoint.Checkpoint;

/**
 * What the settings of a Qwen2-VL folder turn into; the tiny tower has tokens of 12 x 12 pixels.
 */
class Qwen2VlCheckpointTest {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen2vl/checkpoint");

  @TempDir private Path folder;

  @BeforeEach
  void copy() throws IOException {
    try (Stream<Path> files = Files.list(ORACLE)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  /** The published files bound pictures by 16384 tokens: 1080p would be read in full. */
  @Test
  void shouldCutFramesAsTheReleaseDoesWhereOnlyPicturesAreBounded() throws IOException {
    Files.writeString(
        folder.resolve("preprocessor_config.json"),
        """
        {"min_pixels": 576, "max_pixels": 2359296, "patch_size": 6, "merge_size": 2}
        """);
    FrameSize size = size();
    long tokens = (long) size.width() * size.height() / 144;
    assertThat(tokens).isBetween(700L, 768L);
    assertThat((double) size.width() / size.height()).isBetween(1.7, 1.85);
  }

  @Test
  void shouldTakeAVideoProcessorAtItsWord() throws IOException {
    Files.writeString(
        folder.resolve("video_preprocessor_config.json"),
        """
        {"size": {"shortest_edge": 576, "longest_edge": 288000}, "patch_size": 6, "merge_size": 2}
        """);
    FrameSize size = size();
    assertThat((long) size.width() * size.height() / 144).isBetween(1900L, 2000L);
  }

  @Test
  void shouldKeepASmallerBound() throws IOException {
    FrameSize size = size();
    assertThat((long) size.width() * size.height()).isBetween(1000L, 2000L);
  }

  private FrameSize size() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return Qwen2VlCheckpoint.config(checkpoint).frameSize(16, 1920, 1080);
    }
  }
}
