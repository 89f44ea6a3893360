package vidfold.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FfmpegProgramTest {
  @TempDir Path cache;

  @Test
  void shouldUnpackOnceAndStateItsVersion() throws Exception {
    assertThat(FfmpegProgram.bundled(cache).version()).startsWith("8.");
    List<Path> folders = list(cache);
    FfmpegProgram.bundled(cache);

    assertThat(folders).hasSize(1);
    assertThat(list(cache)).isEqualTo(folders);
  }

  @Test
  void shouldUnpackAgainWhenTheCopyIsDamaged() throws Exception {
    FfmpegProgram.bundled(cache);
    Path library = list(cache).get(0).resolve("libavcodec.so.62");
    Files.write(library, new byte[1000]);

    assertThat(FfmpegProgram.bundled(cache).version()).startsWith("8.");
  }

  @Test
  void shouldSayWhenACacheFolderCannotBeUsed() throws Exception {
    Path file = Files.createFile(cache.resolve("file"));

    assertThatThrownBy(() -> FfmpegProgram.bundled(file))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cannot unpack ffmpeg into " + file);
  }

  @Test
  void shouldSayWhenAnInstalledProgramIsNotFfmpeg() {
    assertThatThrownBy(() -> FfmpegProgram.installed(Path.of("/bin/echo"), Path.of("/bin/echo")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("/bin/echo does not start");
  }

  @Test
  void shouldHaveNoCaptureDevices() {
    FfmpegProgram program = TestClips.shared().program();
    List<String> command =
        List.of(program.ffmpeg().toString(), "-hide_banner", "-loglevel", "error", "-devices");
    ChildProcess child =
        ChildProcess.start(
            command, program.environment(), Duration.ofSeconds(30), new Cancellation());
    try (child) {
      assertThat(child.readAll(1 << 16))
          .doesNotContain("lavfi", "alsa", "pulse", "x11grab", "v4l2");
      assertThat(child.awaitExit()).isZero();
      assertThat(child.lastLines()).isEmpty();
    }
  }

  @Test
  void shouldStartByHandWithItsBanner() {
    FfmpegProgram program = TestClips.shared().program();
    List<String> command = List.of(program.ffmpeg().toString(), "-L");
    ChildProcess child =
        ChildProcess.start(
            command, program.environment(), Duration.ofSeconds(30), new Cancellation());
    try (child) {
      assertThat(child.readAll(1 << 16)).contains("License");
      assertThat(child.awaitExit()).isZero();
      assertThat(child.lastLines()).anyMatch(line -> line.startsWith("ffmpeg version"));
    }
  }

  private static List<Path> list(Path folder) throws Exception {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }
}
