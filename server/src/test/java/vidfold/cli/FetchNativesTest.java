package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.torch.LibTorch;

class FetchNativesTest {
  @TempDir Path folder;

  @Test
  void shouldKeepLibrariesAndLicencesInTheirPlaces() throws Exception {
    Path torch =
        wheel(
            "torch.whl",
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_python.so",
            "torch/lib/libgomp-98b21ff3.so.1",
            "torch/version.py",
            "torch/nn/modules.py",
            "torch-2.7.1.dist-info/licenses/LICENSE");
    Path cublas = wheel("cublas.whl", "nvidia/cublas/lib/libcublas.so.12", "nvidia/cublas/x.h");
    Path fetched = fetched();

    Typed typed = fetch(line(torch) + "\n# a remark\n\n" + line(cublas) + "\n");

    assertThat(typed.code()).as(typed.err()).isZero();
    assertThat(typed.out()).contains("1 of 2: torch.whl", "2 of 2: cublas.whl");
    assertThat(fetched.resolve("torch/lib/libtorch.so")).hasContent("torch/lib/libtorch.so");
    assertThat(fetched.resolve("torch/lib/libgomp-98b21ff3.so.1")).exists();
    assertThat(fetched.resolve("torch/version.py")).exists();
    assertThat(fetched.resolve("torch-2.7.1.dist-info/licenses/LICENSE")).exists();
    assertThat(fetched.resolve("nvidia/cublas/lib/libcublas.so.12")).exists();
    assertThat(fetched.resolve("torch/lib/libtorch_python.so")).doesNotExist();
    assertThat(fetched.resolve("torch/nn")).doesNotExist();
    assertThat(fetched.getParent()).isDirectoryNotContaining("glob:**.part-*");
    assertThat(fetch(line(torch)).out()).contains("is there already");
  }

  @Test
  void shouldLeaveNothingBehindWhenAPieceIsNotWhatWasPinned() throws Exception {
    Path torch = wheel("torch.whl", "torch/lib/libtorch.so");
    Typed typed = fetch("0".repeat(64) + " " + torch.toUri());

    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.err())
        .contains("torch.whl: expected SHA-256 " + "0".repeat(64) + " but found " + sha256(torch));
    assertThat(fetched().getParent()).isEmptyDirectory();
  }

  @Test
  void shouldLeaveNothingBehindWhenAPieceIsMissing() throws Exception {
    Path torch = wheel("torch.whl", "torch/lib/libtorch.so");
    String missing = "0".repeat(64) + " " + folder.resolve("none.whl").toUri();
    Typed typed = fetch(line(torch) + "\n" + missing);

    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.err()).contains("none.whl cannot be fetched");
    assertThat(fetched().getParent()).isEmptyDirectory();
  }

  @Test
  void shouldRefuseAnotherBuild() {
    Typed typed = Typed.run(environment(), "fetch-natives", "cu99");
    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.err()).contains("expected the build cu128 but found 'cu99'");
  }

  @Test
  void shouldPinEveryPieceOfTheBuild() throws IOException {
    String list = Files.readString(Path.of("src/main/resources/vidfold/cli/natives-cu128.txt"));
    List<NativePieces.Piece> pieces = NativePieces.parse(list).pieces();
    assertThat(pieces).hasSize(15).allMatch(piece -> piece.from().getScheme().equals("https"));
    assertThat(pieces.get(0).name()).startsWith("torch-" + LibTorch.VERSION + "+cu128-");
    assertThat(pieces.stream().map(NativePieces.Piece::sha256).distinct()).hasSize(15);
  }

  private Typed fetch(String list) throws IOException {
    Path file = Files.writeString(folder.resolve("pieces"), list);
    return Typed.run(environment(), "fetch-natives", "cu128", "--pieces", file.toString());
  }

  private Map<String, String> environment() {
    return Map.of("XDG_CACHE_HOME", folder.resolve("cache").toString());
  }

  private Path fetched() {
    return LibTorch.fetchedFolder(environment());
  }

  /** A wheel whose entries hold their own names. */
  private Path wheel(String name, String... entries) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (String entry : entries) {
        zip.putNextEntry(new ZipEntry(entry));
        zip.write(entry.getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
      }
    }
    return file;
  }

  private static String line(Path file) throws Exception {
    return sha256(file) + " " + file.toUri();
  }

  private static String sha256(Path file) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file)));
  }
}
