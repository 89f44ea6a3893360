package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.torch.Script;

class ExportArchivesTest {
  @TempDir static Path folder;

  private static JsonNode archives;

  @BeforeAll
  static void export() throws IOException {
    Typed typed = Typed.run(Map.of(), "export-archives", folder.toString());
    assertThat(typed.code()).as(typed.err()).isZero();
    archives = new ObjectMapper().readTree(folder.resolve("archives.json").toFile());
  }

  @Test
  void shouldWriteEverySourceOfTheRepositoryWordForWord() throws IOException {
    List<Path> sources = sources();
    assertThat(sources).hasSizeGreaterThan(8);
    List<String> libraries = new ArrayList<>();
    for (Path source : sources) {
      String name = source.getFileName().toString().replace(".py", "");
      boolean module = Files.readString(source).startsWith("class ");
      if (!module) {
        libraries.add(name);
      }
      Path archive = folder.resolve((module ? name : "qwen2_decoder") + ".pt");
      String entry = "archive/code/__torch__" + (module ? "" : "/" + name) + ".py";
      try (ZipFile zip = new ZipFile(archive.toFile())) {
        byte[] code = zip.getInputStream(zip.getEntry(entry)).readAllBytes();
        assertThat(new String(code, StandardCharsets.UTF_8)).isEqualTo(Files.readString(source));
      }
    }
    assertThat(libraries).containsExactlyInAnyOrder("attention", "dense", "layers");
    assertThat(archives.get("archives")).hasSize(sources.size() - libraries.size());
  }

  @Test
  void shouldWriteTheBytesThatTheEngineLoads() throws IOException {
    for (Script script : Script.all()) {
      Path archive = folder.resolve(script.file().replace(".py", ".pt"));
      assertThat(Files.readAllBytes(archive)).isEqualTo(script.archive());
    }
  }

  @Test
  void shouldListEveryMethodOfTheSources() throws IOException {
    for (JsonNode archive : archives.get("archives")) {
      String name = archive.get("file").asText().replace(".pt", ".py");
      Path source =
          sources().stream().filter(path -> path.endsWith(name)).findFirst().orElseThrow();
      List<String> defined =
          Files.readString(source)
              .lines()
              .filter(line -> line.startsWith("  def "))
              .map(line -> line.substring("  def ".length(), line.indexOf('(')))
              .toList();
      List<String> listed = new ArrayList<>();
      archive.get("methods").forEach(method -> listed.add(method.get("name").asText()));
      assertThat(listed).as(name).isNotEmpty().isEqualTo(defined);
    }
  }

  @Test
  void shouldSplitArgumentsAndAttributes() {
    JsonNode decoder = archive("Qwen2Decoder");
    assertThat(decoder.get("attributes").toString())
        .isEqualTo(
            "[{\"name\":\"training\",\"type\":\"bool\"},"
                + "{\"name\":\"weights\",\"type\":\"Dict[int, Tensor]\"},"
                + "{\"name\":\"scales\",\"type\":\"Dict[int, Tensor]\"},"
                + "{\"name\":\"choices\",\"type\":\"Dict[str, int]\"}]");
    JsonNode splice = method(decoder, "splice");
    assertThat(splice.get("arguments").findValuesAsText("name"))
        .containsExactly("x", "start", "end", "visual");
    assertThat(method(decoder, "rope").get("returns").asText()).isEqualTo("Tuple[Tensor, Tensor]");
    assertThat(method(decoder, "drop").get("arguments")).isEmpty();
  }

  @Test
  void shouldNameTheCheckpointTensorsOfFusedWeights() {
    JsonNode family = archives.get("families").get(0);
    assertThat(family.get("architecture").asText()).isEqualTo("Qwen2VLForConditionalGeneration");
    JsonNode qkv = entry(family.get("scripts").get("Qwen2Decoder"), 1);
    assertThat(qkv.get("parts").findValuesAsText("name"))
        .containsExactly(
            "model.layers.{n}.self_attn.q_proj.weight",
            "model.layers.{n}.self_attn.k_proj.weight",
            "model.layers.{n}.self_attn.v_proj.weight");
    assertThat(qkv.get("parts").get(1).get("shape").toString()).isEqualTo("[512,3584]");
    assertThat(entry(family.get("scripts").get("Qwen2Decoder"), -4).get("parts")).isEmpty();
    JsonNode lab = archives.get("families").get(1).get("scripts").get("SiglipVision");
    assertThat(entry(lab, -8).get("parts").findValuesAsText("name"))
        .containsExactly("model.image_newline");
    JsonNode converted = archives.get("families").get(2).get("scripts").get("Qwen2Decoder");
    assertThat(entry(converted, -3).get("parts").findValuesAsText("name"))
        .containsExactly("language_model.lm_head.weight");
  }

  @Test
  void shouldWriteWhatEveryReducerKeeps() throws IOException {
    JsonNode merges = new ObjectMapper().readTree(folder.resolve("merges.json").toFile());
    int tokens = 6 * 7 * 9;
    assertThat(merges.get("values")).hasSize(tokens * 64);
    assertThat(merges.get("cases")).hasSize(8 * 2 * 3);
    for (JsonNode kept : merges.get("cases")) {
      assertThat(kept.get("source_index"))
          .hasSize((int) Math.round(kept.get("retention").asDouble() * tokens));
      assertThat(kept.get("owner")).hasSize(tokens);
    }
  }

  private static List<Path> sources() throws IOException {
    List<Path> all = new ArrayList<>();
    for (String module : List.of("../merging-kernels", "../model-adapters")) {
      try (Stream<Path> files = Files.list(Path.of(module, "src/main/torchscript"))) {
        files.filter(file -> file.toString().endsWith(".py")).forEach(all::add);
      }
    }
    return all;
  }

  private static JsonNode archive(String name) {
    for (JsonNode archive : archives.get("archives")) {
      if (archive.get("class").asText().equals(name)) {
        return archive;
      }
    }
    throw new AssertionError("no archive of " + name);
  }

  private static JsonNode method(JsonNode archive, String name) {
    for (JsonNode method : archive.get("methods")) {
      if (method.get("name").asText().equals(name)) {
        return method;
      }
    }
    throw new AssertionError("no method " + name);
  }

  private static JsonNode entry(JsonNode entries, int key) {
    for (JsonNode entry : entries) {
      if (entry.get("key").asInt() == key) {
        return entry;
      }
    }
    throw new AssertionError("no key " + key);
  }
}
