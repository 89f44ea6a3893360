package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OneVideoTest {
  @TempDir private Path folder;

  @Test
  void shouldTakePicturesInTheOrderOfTheirNumbers() throws IOException {
    for (String name :
        new String[] {"10.png", "2.png", "b 007.JPG", "b 8.jpeg", "1.png", "a.txt"}) {
      Files.createFile(folder.resolve(name));
    }
    assertThat(OneVideo.pictures(folder))
        .extracting(file -> file.getFileName().toString())
        .containsExactly("1.png", "2.png", "10.png", "b 007.JPG", "b 8.jpeg");
  }

  @Test
  void shouldSayThatAFolderHasNoPictures() throws IOException {
    Files.createFile(folder.resolve("a.txt"));
    assertThatThrownBy(() -> OneVideo.pictures(folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no .jpg or .png file in " + folder);
  }
}
