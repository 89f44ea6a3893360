package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
  @TempDir Path folder;

  @Test
  void shouldFindAHealthyMachineAndEqualAnswers() {
    Typed typed = Typed.runWithModel("doctor", "--set", "data.folder=" + folder.resolve("data"));

    assertThat(typed.code()).as(typed.out() + typed.err()).isZero();
    assertThat(typed.outLines()).hasSize(7).allMatch(line -> line.startsWith("ok "));
    assertThat(typed.out()).contains("cached = uncached");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void shouldFailWithoutAModelAndGoOnWithTheOtherChecks() {
    Typed typed = Typed.runWithModel("doctor", "--set", "ffmpeg.folder=" + folder);

    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.outLines())
        .anyMatch(line -> line.startsWith("FAIL  ffmpeg"))
        .anyMatch(line -> line.startsWith("ok    model"))
        .anyMatch(line -> line.startsWith("skip  answers"));
  }

  @Test
  void shouldNameADataFolderThatCannotBeWritten() {
    Typed typed = Typed.runWithModel("doctor", "--set", "data.folder=/proc/vidfold");
    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.outLines())
        .anyMatch(line -> line.startsWith("FAIL  disk") && line.contains("/proc/vidfold"));
  }
}
