package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that is killed in the middle of its uploads has lost none that it confirmed. */
class KillTest {
  private static final int CONFIRMED = 25;
  private static final int THREADS = 3;
  private static final int BYTES = 50_000;
  private static final Pattern CONFIRMATION = Pattern.compile("stored \\d+ vid_\\w{26}");

  @TempDir private Path folder;

  @Test
  void shouldHaveEveryConfirmedUploadAfterAKill() throws Exception {
    List<String> confirmed = uploadUntilKilled();
    try (Store store = Store.open(folder)) {
      for (String line : confirmed) {
        String[] words = line.split(" ");
        VideoRecord video = store.library.find("default", words[2]).orElseThrow();
        byte[] bytes = Store.noise(Integer.parseInt(words[1]), BYTES);
        assertThat(store.file(video)).hasBinaryContent(bytes);
        assertThat(store.upload("default", bytes)).isEqualTo(video);
      }
      assertThat(store.filesIn("incoming")).isEmpty();
      assertThat(store.filesIn("videos")).hasSameSizeAs(store.library.list("default", 1000, null));
    }
  }

  private List<String> uploadUntilKilled() throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Uploader.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> confirmed = new ArrayList<>();
    try (BufferedReader lines = child.inputReader()) {
      String line = lines.readLine();
      while (line != null) {
        if (CONFIRMATION.matcher(line).matches()) {
          confirmed.add(line);
        }
        if (confirmed.size() == CONFIRMED) {
          // Through the handle: what the child said before its end can still be read.
          child.toHandle().destroyForcibly();
        }
        line = lines.readLine();
      }
    } finally {
      child.destroyForcibly();
    }
    assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(child.exitValue()).as("killed by signal 9").isEqualTo(128 + 9);
    assertThat(confirmed).hasSizeGreaterThanOrEqualTo(CONFIRMED);
    return confirmed;
  }

  /** The child: uploads without end and says what is stored. */
  static final class Uploader {
    private Uploader() {}

    public static void main(String[] arguments) {
      Path folder = Path.of(arguments[0]);
      assertThat(Files.isDirectory(folder)).isTrue();
      Store store = Store.open(folder);
      for (int thread = 0; thread < THREADS; thread++) {
        int first = thread;
        new Thread(() -> uploadAll(store, first)).start();
      }
    }

    private static void uploadAll(Store store, int first) {
      for (int seed = first; seed < 100_000; seed += THREADS) {
        VideoRecord video = store.upload("default", Store.noise(seed, BYTES));
        synchronized (System.out) {
          System.out.println("stored " + seed + " " + video.id());
        }
      }
    }
  }
}
