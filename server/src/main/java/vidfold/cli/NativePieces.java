package vidfold.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLConnection;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * The archives that a build of libtorch consists of, pinned by their SHA-256.
 *
 * <p>They are wheels. Libraries keep their places ({@code torch/lib}, {@code nvidia/NAME/lib}),
 * because that is how they find each other; licences come along, everything else is left out.
 */
record NativePieces(List<Piece> pieces) {

  private static final int TIMEOUT_MILLIS = 60_000;
  private static final Pattern WANTED =
      Pattern.compile(
          "torch/lib/[^/]+\\.so[.\\d]*|torch/version\\.py|nvidia/[^/]+/lib/[^/]+\\.so[.\\d]*"
              + "|[^/]+\\.dist-info/(?:.*/)?[^/]*(?i:licen[cs]e|notice)[^/]*");

  /** Libraries for Python's own use. */
  private static final Pattern UNWANTED = Pattern.compile("torch/lib/libtorch_python\\.so");

  /** An archive. */
  record Piece(String sha256, URI from) {
    Piece {
      if (!sha256.matches("[0-9a-f]{64}")) {
        throw new IllegalArgumentException("expected a SHA-256 but found '" + sha256 + "'");
      }
    }

    String name() {
      String path = String.valueOf(from.getPath());
      return path.substring(path.lastIndexOf('/') + 1);
    }
  }

  NativePieces {
    pieces = List.copyOf(pieces);
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException("expected at least one line of SHA-256 and URL");
    }
  }

  /** Reads lines of SHA-256 and URL; empty ones and those that begin with # say nothing. */
  static NativePieces parse(String text) {
    return new NativePieces(
        text.lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty() && !line.startsWith("#"))
            .map(
                line -> {
                  String[] parts = line.split("\\s+", 2);
                  if (parts.length < 2) {
                    throw new IllegalArgumentException(
                        "expected SHA-256 and URL but found '" + line + "'");
                  }
                  return new Piece(parts[0], URI.create(parts[1]));
                })
            .toList());
  }

  /**
   * Downloads, checks and unpacks everything; the folder appears when all of it is there.
   *
   * @throws IOException naming the piece, if one cannot be had or is not what was pinned; nothing
   *     is left behind then
   */
  void fetch(Path folder, Consumer<String> progress) throws IOException {
    Path parent = folder.toAbsolutePath().getParent();
    Files.createDirectories(parent);
    Path unfinished = Files.createTempDirectory(parent, folder.getFileName() + ".part-");
    try {
      Path unpacked = Files.createDirectory(unfinished.resolve("unpacked"));
      for (int i = 0; i < pieces.size(); i++) {
        Piece piece = pieces.get(i);
        progress.accept("%d of %d: %s".formatted(i + 1, pieces.size(), piece.name()));
        Path archive = unfinished.resolve("archive");
        download(piece, archive);
        unpack(archive, unpacked);
        Files.delete(archive);
      }
      Files.move(unpacked, folder, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(unfinished);
    }
  }

  private static void download(Piece piece, Path to) throws IOException {
    MessageDigest digest = sha256();
    URLConnection connection = piece.from().toURL().openConnection();
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    try (InputStream in = new DigestInputStream(connection.getInputStream(), digest)) {
      Files.copy(in, to, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new IOException("%s cannot be fetched: %s".formatted(piece.from(), e), e);
    }
    String found = HexFormat.of().formatHex(digest.digest());
    if (!found.equals(piece.sha256())) {
      throw new IOException(
          "%s: expected SHA-256 %s but found %s".formatted(piece.name(), piece.sha256(), found));
    }
  }

  private static void unpack(Path archive, Path into) throws IOException {
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(archive))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String name = entry.getName();
        if (WANTED.matcher(name).matches() && !UNWANTED.matcher(name).matches()) {
          Path target = into.resolve(name).normalize();
          if (!target.startsWith(into)) {
            throw new IOException("an entry points out of the archive: " + name);
          }
          Files.createDirectories(target.getParent());
          Files.copy(zip, target, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes facts)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path left, IOException failure)
              throws IOException {
            Files.delete(left);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
