package vidfold.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LibTorchTest {
  @TempDir Path folder;

  @Test
  void shouldTakeTheBundledOneWhenNothingElseIsThere() {
    assertThat(LibTorch.choose(Map.of(), folder, "auto")).isEqualTo(new LibTorch(null, false));
  }

  @Test
  void shouldReadTheVersionOfAWheel() throws IOException {
    Path lib = library("torch/lib", "libtorch_cuda.so");
    Files.writeString(folder.resolve("torch/version.py"), "__version__ = '2.7.1+cu128'\n");
    assertThat(choose(lib, "cuda:1")).isEqualTo(new LibTorch(lib, true));
  }

  @Test
  void shouldReadTheVersionOfADistribution() throws IOException {
    Path lib = library("libtorch/lib");
    Files.writeString(folder.resolve("libtorch/build-version"), "2.7.1+cpu\n");
    assertThat(choose(lib, "auto")).isEqualTo(new LibTorch(lib, false));
  }

  @Test
  void shouldReadTheVersionFromTheLibraryItself() throws IOException {
    Path lib = library("lib");
    Files.writeString(lib.resolve("libtorch_cpu.so"), "\0\0002.7.1x\0\0002.7.1\0");
    assertThat(choose(lib, "auto")).isEqualTo(new LibTorch(lib, false));
    Files.writeString(lib.resolve("libtorch_cpu.so"), "\0002.7.12\0\00012.7.1\0");
    assertThatThrownBy(() -> choose(lib, "auto"))
        .hasMessageContaining("expected version 2.7.1 but found another one");
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.7.0+cu128", "2.13.0", "2.7.10"})
  void shouldRefuseAnotherVersionBeforeAnythingIsLoaded(String version) throws IOException {
    Path lib = library("torch/lib", "libtorch_cuda.so");
    Files.writeString(folder.resolve("torch/version.py"), "__version__ = '" + version + "'\n");
    assertThatThrownBy(() -> choose(lib, "auto"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "libtorch in %s: expected version 2.7.1 but found %s"
                .formatted(lib, version.replace("+cu128", "")));
  }

  @Test
  void shouldRefuseAFolderWithoutLibtorch() {
    assertThatThrownBy(() -> choose(folder, "auto"))
        .hasMessageContaining("PYTORCH_LIBRARY_PATH: expected a folder with libtorch.so but found");
  }

  @Test
  void shouldSayHowToGetCudaWhenItIsAskedForWithout() throws IOException {
    assertThatThrownBy(() -> LibTorch.choose(Map.of(), folder, "cuda:0"))
        .hasMessageContaining("device cuda:0 was asked for but libtorch is the bundled build")
        .hasMessageContaining("vidfold fetch-natives cu128");
    Path lib = library("libtorch/lib");
    Files.writeString(folder.resolve("libtorch/build-version"), "2.7.1");
    assertThatThrownBy(() -> choose(lib, "cuda:0"))
        .hasMessageContaining("libtorch is a build for the CPU in " + lib);
  }

  @Test
  void shouldFindWhatWasFetchedUnlessTheCpuIsAskedFor() throws IOException {
    Path lib = library("torch/lib", "libtorch_cuda.so");
    Files.writeString(folder.resolve("torch/version.py"), "__version__ = '2.7.1+cu128'\n");
    assertThat(LibTorch.choose(Map.of(), folder, "auto")).isEqualTo(new LibTorch(lib, true));
    assertThat(LibTorch.choose(Map.of(), folder, "cpu")).isEqualTo(new LibTorch(null, false));
  }

  @Test
  void shouldRefuseSettingsOfDjlThatContradict() throws IOException {
    assertThatThrownBy(() -> LibTorch.choose(Map.of("PYTORCH_VERSION", "2.5.1"), folder, "auto"))
        .hasMessage("PYTORCH_VERSION: expected 2.7.1 or nothing but found '2.5.1'");
    library("torch/lib", "libtorch_cuda.so");
    Files.writeString(folder.resolve("torch/version.py"), "__version__ = '2.7.1'\n");
    assertThatThrownBy(() -> LibTorch.choose(Map.of("PYTORCH_FLAVOR", "cpu"), folder, "auto"))
        .hasMessage("PYTORCH_FLAVOR: expected cu128 or nothing but found 'cpu'");
  }

  @ParameterizedTest
  @CsvSource({
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed Oct 27, 470.82.01",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  525.60.12  Release, 525.60.12"
  })
  void shouldRefuseAnOldDriver(String text, String found) throws IOException {
    Path file = Files.writeString(folder.resolve("version"), text + "\n");
    assertThatThrownBy(() -> NvidiaDriver.requireNewEnough(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected 525.60.13 or newer")
        .hasMessageContaining("found " + found);
  }

  @Test
  void shouldLeaveOtherDriversToCuda() throws IOException {
    Path none = folder.resolve("none");
    NvidiaDriver.requireNewEnough(none);
    assertThat(NvidiaDriver.describe(none)).startsWith("no NVIDIA driver was found");
    Path file =
        Files.writeString(
            folder.resolve("version"), "NVRM version: NVIDIA UNIX x86_64  570.124.06  Thu\n");
    NvidiaDriver.requireNewEnough(file);
    assertThat(NvidiaDriver.describe(file)).isEqualTo("NVIDIA driver 570.124.06");
  }

  @Test
  void shouldAskTheDriverForFreeMemory() throws IOException {
    String smi = program("#!/bin/sh\n[ \"$1\" = --id=GPU-7 ] && echo 1024 || exit 6\n");
    Map<String, String> visible = Map.of("CUDA_VISIBLE_DEVICES", "3, GPU-7");
    assertThat(NvidiaDriver.freeBytes(smi, 1, visible)).hasValue(1L << 30);
    assertThat(NvidiaDriver.freeBytes(smi, 1, Map.of())).isEmpty();
    String talks = program("#!/bin/sh\necho [N/A]\n");
    assertThat(NvidiaDriver.freeBytes(talks, 0, Map.of())).isEmpty();
    assertThat(NvidiaDriver.freeBytes(folder + "/none", 0, Map.of())).isEmpty();
  }

  private static LibTorch choose(Path lib, String device) {
    Map<String, String> environment = Map.of("PYTORCH_LIBRARY_PATH", lib.toString());
    return LibTorch.choose(environment, lib.resolve("nothing-fetched"), device);
  }

  private Path library(String name, String... more) throws IOException {
    Path lib = Files.createDirectories(folder.resolve(name));
    Files.writeString(lib.resolve("libtorch.so"), "");
    Files.writeString(lib.resolve("libtorch_cpu.so"), "", StandardCharsets.US_ASCII);
    for (String file : more) {
      Files.writeString(lib.resolve(file), "");
    }
    return lib;
  }

  private String program(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("smi" + text.length()), text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file.toString();
  }
}
