package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kill between two steps leaves behind, made by hand, and what the next start does. */
class RecoveryTest {
  @TempDir private Path folder;

  @Test
  void shouldRemoveHalfUploads() throws IOException {
    Store.open(folder).close();
    Files.write(folder.resolve("incoming/vid_HALF"), Store.noise(1, 100));
    try (Store store = Store.open(folder)) {
      assertThat(store.filesIn("incoming")).isEmpty();
      assertThat(store.library.list("default", 10, null)).isEmpty();
    }
  }

  @Test
  void shouldRemoveAFileThatWasMovedButNeverGotItsRow() throws IOException {
    VideoRecord kept;
    Path orphan;
    try (Store store = Store.open(folder)) {
      kept = store.upload("default", Store.noise(1, 100));
      orphan = store.file(kept).resolveSibling("ab".repeat(32));
    }
    Files.write(orphan, Store.noise(2, 100));
    try (Store store = Store.open(folder)) {
      assertThat(orphan).doesNotExist();
      assertThat(store.file(kept)).hasBinaryContent(Store.noise(1, 100));
    }
  }

  @Test
  void shouldFailVideosWhoseBytesAreMissingOrCutAndHealThemLater() throws IOException {
    VideoRecord missing;
    VideoRecord cut;
    VideoRecord whole;
    try (Store store = Store.open(folder)) {
      missing = store.upload("default", Store.noise(1, 100));
      cut = store.upload("default", Store.noise(2, 100));
      whole = store.upload("default", Store.noise(3, 100));
      Files.delete(store.file(missing));
      Files.write(store.file(cut), Store.noise(2, 50));
    }
    try (Store store = Store.open(folder)) {
      for (VideoRecord video : List.of(missing, cut)) {
        VideoRecord found = store.library.find("default", video.id()).orElseThrow();
        assertThat(found.state()).isEqualTo(VideoRecord.State.FAILED);
        assertThat(found.failure()).isEqualTo(Failures.BYTES_LOST);
      }
      assertThat(store.file(cut)).doesNotExist();
      assertThat(store.library.find("default", whole.id())).contains(whole);
      assertThat(store.upload("default", Store.noise(2, 100))).isEqualTo(cut);
    }
  }

  @Test
  void shouldRemoveTheBytesOfAVideoThatFailedJustBeforeTheKill() throws IOException {
    VideoRecord failed;
    Path file;
    try (Store store = Store.open(folder)) {
      failed = store.upload("default", Store.noise(1, 100));
      file = store.file(failed);
      failed =
          store.library.fail(
              "default", failed.id(), new VideoRecord.Failure("not-a-video", "Not a video."));
    }
    Files.write(file, Store.noise(1, 100));
    try (Store store = Store.open(folder)) {
      assertThat(file).doesNotExist();
      assertThat(store.library.find("default", failed.id())).contains(failed);
    }
  }

  @Test
  void shouldFindWhatIngestLeftUnfinishedOldestFirst() {
    List<String> unfinished = new ArrayList<>();
    try (Store store = Store.open(folder)) {
      int seed = 0;
      for (VideoRecord.State state : VideoRecord.State.values()) {
        VideoRecord video = store.upload("default", Store.noise(seed++, 100));
        if (state == VideoRecord.State.FAILED) {
          store.library.fail("default", video.id(), Failures.INTERRUPTED);
        } else {
          store.library.enter("default", video.id(), state);
          if (state != VideoRecord.State.READY) {
            unfinished.add(video.id());
          }
        }
      }
    }
    try (Store store = Store.open(folder)) {
      assertThat(store.library.unfinished()).extracting(VideoRecord::id).isEqualTo(unfinished);
      assertThat(unfinished).hasSize(4);
    }
  }
}
