package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {
  @TempDir private Path folder;

  @Test
  void shouldSyncEachCommitAndEnforceForeignKeysOnEveryConnection() {
    try (Database database = Database.open(folder)) {
      assertThat(pragma(database, "journal_mode")).isEqualTo("wal");
      assertThat(pragma(database, "synchronous")).as("2 is FULL").isEqualTo("2");
      assertThat(pragma(database, "foreign_keys")).isEqualTo("1");
      assertThat(pragma(database, "busy_timeout")).isEqualTo("10000");
    }
  }

  private static String pragma(Database database, String name) {
    return database
        .jdbi()
        .withHandle(handle -> handle.createQuery("PRAGMA " + name).mapTo(String.class).one());
  }

  @Test
  void shouldRefuseAFolderThatIsInUse() {
    try (Database first = Database.open(folder)) {
      assertThat(first.jdbi()).isNotNull();
      assertThatIllegalStateException()
          .isThrownBy(() -> Database.open(folder))
          .withMessageContaining("used by another vidfold server");
    }
    Database.open(folder).close();
  }

  @Test
  void shouldRefuseTheDatabaseOfANewerVersion() {
    try (Database database = Database.open(folder)) {
      database
          .jdbi()
          .useHandle(
              handle ->
                  handle.execute(
                      "INSERT INTO flyway_schema_history SELECT 99, '99', 'from the future', type,"
                          + " 'V99__future.sql', checksum, installed_by, installed_on,"
                          + " execution_time, success FROM flyway_schema_history"));
    }
    assertThatIllegalStateException()
        .isThrownBy(() -> Database.open(folder))
        .withMessageContaining("cannot be brought to this version");
    assertThat(Store.openFiles(folder)).isEmpty();
  }

  @Test
  void shouldRefuseAFileThatIsNoDatabase() throws IOException {
    Files.writeString(folder.resolve("vidfold.db"), "this is no database ".repeat(100));
    assertThatIllegalStateException()
        .isThrownBy(() -> Database.open(folder))
        .withMessageContaining("cannot be opened");
    assertThat(Store.openFiles(folder)).isEmpty();
  }

  @Test
  void shouldKeepFilesFromOtherUsersAndHoldNoneOpenOnceClosed() throws IOException {
    Path data = folder.resolve("deep/data");
    try (Database database = Database.open(data)) {
      assertThat(pragma(database, "journal_mode")).isEqualTo("wal");
      try (Stream<Path> files = Files.list(data)) {
        List<Path> all = files.toList();
        assertThat(all).extracting(f -> f.getFileName().toString()).contains("vidfold.db", "lock");
        for (Path file : all) {
          String expected = Files.isDirectory(file) ? "rwx------" : "rw-------";
          assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
              .as("%s", file)
              .isEqualTo(expected);
        }
      }
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(data)))
        .isEqualTo("rwx------");
    assertThat(Store.openFiles(data)).isEmpty();
  }

  @Test
  void shouldLeaveNoSystemPropertyBehind() {
    Database.open(folder).close();
    assertThat(System.getProperty("org.sqlite.tmpdir")).isNull();
  }
}
