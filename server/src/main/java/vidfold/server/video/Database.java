package vidfold.server.video;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteJDBCLoader;

/**
 * The metadata of the server: an SQLite file in the data folder, migrated to the newest schema.
 *
 * <p>Opening takes the data folder for this process; nobody else can open it meanwhile. A committed
 * change survives a kill and a power cut (write-ahead log, synced at each commit). Calls block for
 * the disk: never from an event loop or the inference thread. Thread-safe.
 */
public final class Database implements AutoCloseable {
  private static final String FILE = "vidfold.db";
  private static final String LOCK = "lock";
  private static final String NATIVE_FOLDER_PROPERTY = "org.sqlite.tmpdir";
  private static final int BUSY_MILLIS = 10_000;
  private static final int CONNECTIONS = 4;

  private final FileChannel lock;
  private final HikariDataSource pool;
  private final Jdbi jdbi;

  private Database(FileChannel lock, HikariDataSource pool) {
    this.lock = lock;
    this.pool = pool;
    this.jdbi = Jdbi.create(pool);
  }

  /**
   * Opens the database of a data folder, creating both when they are not there.
   *
   * <p>SQLite's native library is unpacked below the data folder, not into the machine's shared
   * temporary folder, which may be writable by others or closed to programs; the system property
   * {@code org.sqlite.tmpdir} names another folder.
   *
   * @throws IllegalStateException when the folder is used by another process, cannot be written, or
   *     holds the database of a newer version
   */
  public static Database open(Path dataFolder) {
    Path folder = dataFolder.toAbsolutePath().normalize();
    FileChannel lock = null;
    HikariDataSource pool = null;
    try {
      PrivateFiles.createFolders(folder);
      lock = lock(folder);
      loadNativeLibrary(folder);
      pool = pool(folder);
      migrate(pool);
      return new Database(lock, pool);
    } catch (HikariPool.PoolInitializationException e) {
      close(pool, lock);
      throw new IllegalStateException(
          "the database in " + folder + " cannot be opened: " + e.getMessage(), e);
    } catch (FlywayException e) {
      close(pool, lock);
      throw new IllegalStateException(
          "the database in " + folder + " cannot be brought to this version: " + e.getMessage(), e);
    } catch (IOException | SQLException e) {
      close(pool, lock);
      throw new IllegalStateException(
          "the data folder " + folder + " cannot be used: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      close(pool, lock);
      throw e;
    }
  }

  private static FileChannel lock(Path folder) throws IOException {
    Path file = folder.resolve(LOCK);
    PrivateFiles.createFile(file);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      // Held by this very process; reported below like any other holder.
    } finally {
      if (!locked) {
        channel.close();
      }
    }
    if (!locked) {
      throw new IllegalStateException(
          "the data folder " + folder + " is used by another vidfold server");
    }
    return channel;
  }

  /** Loads the library while its temporary folder is ours, then gives the property back. */
  private static void loadNativeLibrary(Path folder) throws IOException, SQLException {
    if (System.getProperty(NATIVE_FOLDER_PROPERTY) == null) {
      Path natives = folder.resolve("native");
      PrivateFiles.createFolders(natives);
      System.setProperty(NATIVE_FOLDER_PROPERTY, natives.toString());
      try {
        initialize();
      } finally {
        System.clearProperty(NATIVE_FOLDER_PROPERTY);
      }
    } else {
      initialize();
    }
  }

  private static void initialize() throws SQLException {
    try {
      if (!SQLiteJDBCLoader.initialize()) {
        throw new SQLException("SQLite's native library does not load");
      }
    } catch (SQLException e) {
      throw e;
    } catch (Exception e) {
      throw new SQLException("SQLite's native library does not load: " + e.getMessage(), e);
    }
  }

  private static HikariDataSource pool(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    PrivateFiles.createFile(file);
    SQLiteConfig sqlite = new SQLiteConfig();
    sqlite.setJournalMode(SQLiteConfig.JournalMode.WAL);
    sqlite.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    sqlite.enforceForeignKeys(true);
    sqlite.setBusyTimeout(BUSY_MILLIS);
    // A transaction takes the write lock at its start, so that none fails half way.
    sqlite.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    SQLiteDataSource source = new SQLiteDataSource(sqlite);
    source.setUrl("jdbc:sqlite:" + file);
    HikariConfig config = new HikariConfig();
    config.setPoolName("vidfold-db");
    config.setDataSource(source);
    config.setMaximumPoolSize(CONNECTIONS);
    config.setMinimumIdle(1);
    return new HikariDataSource(config);
  }

  private static void migrate(DataSource source) {
    Flyway.configure()
        .dataSource(source)
        .locations("classpath:vidfold/db")
        .loggers("slf4j")
        // The database of a newer version is refused instead of used half understood.
        .ignoreMigrationPatterns(new String[0])
        .load()
        .migrate();
  }

  /** The way to run SQL. */
  public Jdbi jdbi() {
    return jdbi;
  }

  /** Closes all connections and gives the data folder back. */
  @Override
  public void close() {
    close(pool, lock);
  }

  private static void close(@Nullable HikariDataSource pool, @Nullable FileChannel lock) {
    if (pool != null) {
      pool.close();
    }
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        throw new UncheckedIOException("cannot give the data folder back", e);
      }
    }
  }
}
