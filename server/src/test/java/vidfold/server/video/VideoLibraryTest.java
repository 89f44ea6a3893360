package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VideoLibraryTest {
  @TempDir private Path folder;

  @Test
  void shouldListPagesFromTheNewestToTheOldest() {
    try (Store store = Store.open(folder)) {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        ids.add(0, store.upload("default", Store.noise(i, 10)).id());
      }
      store.upload("other", Store.noise(0, 10));

      assertThat(page(store, 2, null)).isEqualTo(ids.subList(0, 2));
      assertThat(page(store, 2, ids.get(1))).isEqualTo(ids.subList(2, 4));
      assertThat(page(store, 2, ids.get(3))).isEqualTo(ids.subList(4, 5));
      assertThat(page(store, 2, ids.get(4))).isEmpty();

      store.library.delete("default", ids.get(1));
      assertThat(page(store, 2, ids.get(1)))
          .as("a page goes on after a deleted video")
          .isEqualTo(ids.subList(2, 4));
      assertThatIllegalArgumentException().isThrownBy(() -> page(store, 0, null));
    }
  }

  private static List<String> page(Store store, int limit, String after) {
    return store.library.list("default", limit, after).stream().map(VideoRecord::id).toList();
  }

  @Test
  void shouldKeepVideosAcrossARestart() {
    byte[] bytes = Store.noise(1, 1000);
    VideoRecord before;
    try (Store store = Store.open(folder)) {
      before = store.upload("default", bytes);
    }
    try (Store store = Store.open(folder)) {
      assertThat(store.library.find("default", before.id())).contains(before);
      assertThat(store.file(before)).hasBinaryContent(bytes);
      assertThat(store.upload("default", bytes)).isEqualTo(before);
    }
  }

  @Test
  void shouldDeleteBytesAndRowAndTellTheListeners() {
    try (Store store = Store.open(folder)) {
      List<String> told = new ArrayList<>();
      store.library.onDelete((tenant, id) -> told.add(tenant + " " + id));
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      assertThat(store.library.sha256("default", video.id())).isEqualTo(video.sha256());

      assertThat(store.library.delete("other", video.id())).isFalse();
      assertThat(store.library.delete("default", video.id())).isTrue();
      assertThat(store.library.delete("default", video.id())).isFalse();

      assertThat(told).containsExactly("default " + video.id());
      assertThat(store.library.find("default", video.id())).isEmpty();
      assertThat(store.filesIn("videos")).isEmpty();
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> store.library.sha256("default", video.id()))
          .withMessage("There is no video '" + video.id() + "'.");
      assertThat(store.upload("default", Store.noise(1, 10)).id()).isNotEqualTo(video.id());
    }
  }

  @Test
  void shouldBeginAnewWhenTheBytesOfAFailedVideoComeAgain() {
    try (Store store = Store.open(folder)) {
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      store.library.fail("default", video.id(), new VideoRecord.Failure("not-a-video", "No."));
      assertThat(store.filesIn("videos")).isEmpty();

      VideoRecord again = store.upload("default", Store.noise(1, 10));
      assertThat(again).isEqualTo(video);
      assertThat(store.file(again)).exists();
    }
  }

  @Test
  void shouldHealAVideoWhoseBytesWereLost() throws Exception {
    try (Store store = Store.open(folder)) {
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      java.nio.file.Files.delete(store.file(video));
      assertThat(store.upload("default", Store.noise(1, 10))).isEqualTo(video);
      assertThat(store.file(video)).hasBinaryContent(Store.noise(1, 10));
    }
  }
}
