package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScratchFolderTest {
  @TempDir private Path parent;

  @Test
  void shouldBeGoneWhenClosed() throws IOException {
    Path path;
    try (ScratchFolder scratch = new ScratchFolder(parent)) {
      path = scratch.path();
      Files.createDirectories(path.resolve("videos/a"));
      Files.writeString(path.resolve("videos/a/b"), "text");
      assertThat(path).isDirectory();
    }
    assertThat(path).doesNotExist();
  }

  @Test
  void shouldRemoveWhatAKilledProcessLeft() throws IOException {
    Path left = Files.createDirectory(parent.resolve("run-123"));
    Files.createFile(left.resolve(".lock"));
    Files.writeString(left.resolve("vidfold.db"), "text");
    Path other = Files.createDirectory(parent.resolve("ffmpeg"));
    try (ScratchFolder scratch = new ScratchFolder(parent)) {
      assertThat(left).doesNotExist();
      assertThat(other).isDirectory();
      assertThat(scratch.path()).isDirectory();
    }
  }

  @Test
  void shouldLeaveFoldersInUseAlone() throws IOException {
    Path unlocked = Files.createDirectory(parent.resolve("run-just-being-made"));
    try (ScratchFolder first = new ScratchFolder(parent);
        ScratchFolder second = new ScratchFolder(parent)) {
      assertThat(first.path()).isDirectory().isNotEqualTo(second.path());
      assertThat(unlocked).isDirectory();
    }
  }
}
