package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.server.video.StoreException.Kind;

class UploadTest {
  @TempDir private Path folder;
  private Store store;

  @BeforeEach
  void open() {
    store = Store.open(folder);
  }

  @AfterEach
  void close() {
    store.close();
    assertThat(Store.openFiles(folder)).isEmpty();
  }

  @Test
  void shouldStoreTheBytesUnderTheirDigestForThisUserOnly() throws Exception {
    byte[] bytes = Store.noise(1, 123_456);
    VideoRecord video = store.upload("default", bytes);

    String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    assertThat(video.sha256()).isEqualTo(digest);
    assertThat(video.bytes()).isEqualTo(bytes.length);
    assertThat(video.state()).isEqualTo(VideoRecord.State.UPLOADING);
    assertThat(video.id()).startsWith("vid_");
    assertThat(video.name()).isEqualTo("clip.mp4");
    assertThat(store.file(video)).hasBinaryContent(bytes);
    assertThat(permissions(store.file(video))).isEqualTo("rw-------");
    assertThat(permissions(store.file(video).getParent())).isEqualTo("rwx------");
    assertThat(store.filesIn("incoming")).isEmpty();
    assertThat(store.library.find("default", video.id())).contains(video);
    assertThat(store.library.sha256("default", video.id())).isEqualTo(digest);
  }

  private static String permissions(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  @Test
  void shouldGiveTheSameBytesTheSameVideoWithinATenant() {
    byte[] bytes = Store.noise(2, 5000);
    VideoRecord first = store.upload("default", bytes);
    VideoRecord again = store.upload("default", bytes);
    VideoRecord elsewhere = store.upload("other", bytes);

    assertThat(again).isEqualTo(first);
    assertThat(elsewhere.id()).isNotEqualTo(first.id());
    assertThat(store.filesIn("videos")).hasSize(2);
    assertThat(store.library.find("other", first.id())).isEmpty();
    store.library.delete("other", elsewhere.id());
    assertThat(store.file(first)).hasBinaryContent(bytes);
  }

  @Test
  void shouldGiveTheSameVideoWhenTheSameBytesArriveAtOnce() throws Exception {
    int clients = 8;
    byte[] bytes = Store.noise(3, 200_000);
    ExecutorService threads = Executors.newFixedThreadPool(clients);
    try {
      CyclicBarrier start = new CyclicBarrier(clients);
      List<Future<VideoRecord>> uploads = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        uploads.add(
            threads.submit(
                () -> {
                  Upload upload = store.library.begin("default", "race.mp4", -1);
                  upload.write(ByteBuffer.wrap(bytes)).join();
                  start.await(30, TimeUnit.SECONDS);
                  return upload.finish().join();
                }));
      }
      String id = uploads.get(0).get(30, TimeUnit.SECONDS).id();
      for (Future<VideoRecord> upload : uploads) {
        assertThat(upload.get(30, TimeUnit.SECONDS).id()).isEqualTo(id);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(store.library.list("default", 10, null)).hasSize(1);
    assertThat(store.filesIn("videos")).hasSize(1);
    assertThat(store.filesIn("incoming")).isEmpty();
  }

  @Test
  void shouldKeepUploadsApartThatArriveInTurns() {
    byte[] even = Store.noise(4, 60_000);
    byte[] odd = Store.noise(5, 60_000);
    Upload first = store.library.begin("default", "even", -1);
    Upload second = store.library.begin("default", "odd", -1);
    List<CompletableFuture<Void>> writes = new ArrayList<>();
    for (int at = 0; at < even.length; at += 1000) {
      writes.add(first.write(ByteBuffer.wrap(even, at, 1000)));
      writes.add(second.write(ByteBuffer.wrap(odd, at, 1000)));
    }
    VideoRecord one = first.finish().join();
    VideoRecord two = second.finish().join();
    assertThat(writes).allMatch(CompletableFuture::isDone);
    assertThat(store.file(one)).hasBinaryContent(even);
    assertThat(store.file(two)).hasBinaryContent(odd);
  }

  @Test
  void shouldTakeDirectBuffersAndLeaveThemRead() {
    ByteBuffer direct = ByteBuffer.allocateDirect(100).putInt(0, 42);
    Upload upload = store.library.begin("default", "direct", 100);
    upload.write(direct).join();
    assertThat(direct.hasRemaining()).isFalse();
    assertThat(store.file(upload.finish().join())).hasSize(100);
  }

  @Test
  void shouldRefuseTooManyBytesAsSoonAsTheyAreKnown() {
    LibraryConfig small = new LibraryConfig(1000, 0, 1000);
    store.close();
    store = Store.open(folder, small);
    assertThatExceptionOfType(StoreException.class)
        .isThrownBy(() -> store.library.begin("default", "big", 1001))
        .extracting(StoreException::kind)
        .isEqualTo(Kind.TOO_LARGE);

    Upload upload = store.library.begin("default", "big", -1);
    upload.write(ByteBuffer.allocate(1000)).join();
    assertKind(upload.write(ByteBuffer.allocate(1)), Kind.TOO_LARGE);
    assertKind(upload.finish(), Kind.TOO_LARGE);
    assertThat(store.filesIn("incoming")).isEmpty();
    assertThat(store.upload("default", Store.noise(6, 1000)).bytes()).isEqualTo(1000);
  }

  @Test
  void shouldRefuseWhatTheDiskHasNoRoomFor() throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    store.close();
    store = Store.open(folder, new LibraryConfig(Long.MAX_VALUE, Long.MAX_VALUE / 2, 1000));
    Upload upload = store.library.begin("default", "big", -1);
    assertKind(upload.opened(), Kind.STORAGE_FULL);
    assertKind(upload.write(ByteBuffer.allocate(1)), Kind.STORAGE_FULL);

    store.close();
    store = Store.open(folder, new LibraryConfig(Long.MAX_VALUE, 0, 1000));
    assertKind(store.library.begin("default", "big", free * 2).opened(), Kind.STORAGE_FULL);
    store.library.begin("default", "small", 1).opened().join();
  }

  private static void assertKind(CompletableFuture<?> future, Kind kind) {
    assertThat(Store.failureOf(future))
        .asInstanceOf(type(StoreException.class))
        .extracting(StoreException::kind)
        .isEqualTo(kind);
  }

  @Test
  void shouldLeaveNothingOfAnAbortedUpload() {
    Upload upload = store.library.begin("default", "gone", -1);
    upload.write(ByteBuffer.allocate(5000)).join();
    assertThat(store.filesIn("incoming")).hasSize(1);
    upload.abort().join();
    upload.abort().join();
    assertThat(store.filesIn("incoming")).isEmpty();
    assertThat(Store.openFiles(folder.resolve("incoming"))).isEmpty();
    assertThat(Store.failureOf(upload.write(ByteBuffer.allocate(1))))
        .isInstanceOf(StoreException.class);
    assertThat(Store.failureOf(upload.finish())).isInstanceOf(StoreException.class);
    assertThat(store.library.list("default", 10, null)).isEmpty();
  }

  @Test
  void shouldKeepAVideoThatIsAbortedAfterItsEnd() {
    Upload upload = store.library.begin("default", "kept", -1);
    upload.write(ByteBuffer.allocate(5000)).join();
    VideoRecord video = upload.finish().join();
    upload.abort().join();
    assertThat(store.file(video)).exists();
    assertThat(store.library.find("default", video.id())).isPresent();
  }

  @Test
  void shouldRemoveUploadsThatAreUnderWayWhenClosed() {
    Upload upload = store.library.begin("default", "half", -1);
    upload.write(ByteBuffer.allocate(5000)).join();
    store.library.close();
    assertThat(store.filesIn("incoming")).isEmpty();
    assertThat(Store.openFiles(folder.resolve("incoming"))).isEmpty();
  }

  @Test
  void shouldNeverLetAClientChooseAPath() throws IOException {
    Upload upload = store.library.begin("default", "../../../escape\u0000.mp4", -1);
    upload.write(ByteBuffer.allocate(10)).join();
    VideoRecord video = upload.finish().join();
    assertThat(video.name()).isEqualTo("escape.mp4");
    assertThat(store.filesIn("videos")).containsExactly(store.file(video));
    for (String tenant : List.of("..", "a/b", "", "A", "a".repeat(65), "-x", "a\u0000")) {
      assertThatIllegalArgumentException().isThrownBy(() -> store.library.begin(tenant, "x", -1));
    }
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsOnly(
              "lock",
              "native",
              "vidfold.db",
              "vidfold.db-wal",
              "vidfold.db-shm",
              "incoming",
              "videos");
    }
  }
}
