package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.checkpoint.SafetensorsWriter;

class MergeTest {

  @TempDir private Path folder;

  /** Two frames of two tokens; the left one stands still, the right one turns. */
  private Path tokens() throws IOException {
    Path file = folder.resolve("in.safetensors");
    float[] values = {1, 0, 0, 1, 3, 0, 0, -1};
    new SafetensorsWriter().add("video", values, 2, 1, 2, 2).write(file);
    return file;
  }

  private int run(Object command, String... args) {
    return new CommandLine(command).setErr(new PrintWriter(new StringWriter())).execute(args);
  }

  @Test
  void shouldMergeSavedTokens() throws IOException {
    String out = folder.resolve("out.safetensors").toString();
    int exit =
        run(
            new Merge(),
            tokens().toString(),
            out,
            "--reducer",
            "temporal",
            "--retention",
            ".75",
            "--device",
            "cpu");
    assertThat(exit).isZero();
    try (SafetensorsFile file = SafetensorsFile.open(Path.of(out))) {
      assertThat(file.find("merged").toFloats()).containsExactly(2, 0, 0, 1, 0, -1);
      assertThat(file.find("owner").toLongs()).containsExactly(0, 1, 0, 2);
      assertThat(file.find("source_index").toLongs()).containsExactly(0, 1, 3);
      assertThat(file.find("patch_count").toLongs()).containsExactly(2, 1, 1);
      assertThat(file.find("boxes").toLongs()).endsWith(1, 0, 1, 1, 2);
      assertThat(file.metadata()).containsEntry("retention_achieved", "0.75");
    }
  }

  @Test
  void shouldTakeThresholdsAndPruneRatios() throws IOException {
    String in = tokens().toString();
    String out = folder.resolve("out.safetensors").toString();
    assertThat(run(new Merge(), in, out, "--temporal-threshold", ".9", "--device", "cpu")).isZero();
    try (SafetensorsFile file = SafetensorsFile.open(Path.of(out))) {
      assertThat(file.find("owner").toLongs()).containsExactly(0, 1, 0, 2);
      assertThat(file.metadata()).containsEntry("retention_asked", "null");
    }
    String[] tome = {in, out, "--reducer", "tome", "--prune-ratio", ".5", "--device", "cpu"};
    assertThat(run(new Merge(), tome)).isZero();
    try (SafetensorsFile file = SafetensorsFile.open(Path.of(out))) {
      assertThat(file.find("merged").shape()).containsExactly(2, 2);
    }
  }

  /** Nothing can be merged at little loss but the place that stands still: 3 of 4. */
  @Test
  void shouldChooseRetentionWhenNoneIsGiven() throws IOException {
    String in = tokens().toString();
    String out = folder.resolve("out.safetensors").toString();
    for (String[] args : new String[][] {{in, out}, {in, out, "--retention", "auto"}}) {
      assertThat(run(new Merge(), args)).isZero();
      try (SafetensorsFile file = SafetensorsFile.open(Path.of(out))) {
        assertThat(file.find("owner").toLongs()).containsExactly(0, 1, 0, 2);
        assertThat(file.metadata()).containsEntry("retention_asked", "0.75");
      }
    }
  }

  @Test
  void shouldRefuseContradictions() throws IOException {
    String in = tokens().toString();
    String out = folder.resolve("out.safetensors").toString();
    for (List<String> options :
        List.of(
            List.of("--retention", ".5", "--prune-ratio", ".5"),
            List.of("--retention", "half"),
            List.of("--reducer", "sttm", "--prune-ratio", ".5"),
            List.of("--reducer", "best", "--retention", ".5"))) {
      String[] args =
          java.util.stream.Stream.concat(
                  java.util.stream.Stream.of(in, out, "--device", "cpu"), options.stream())
              .toArray(String[]::new);
      assertThat(run(new Merge(), args)).isNotZero();
    }
  }

  @Test
  void shouldMeasureReducersOverGrowingVideos() throws IOException {
    Path json = folder.resolve("bench.json");
    int exit =
        run(
            new MergeBench(),
            "--reducers=sttm,dycoke",
            "--frames=2,4",
            "--grids=4x6",
            "--channels=16",
            "--retention=.5",
            "--runs=1",
            "--device=cpu",
            "--dtype=f32",
            "--json=" + json);
    assertThat(exit).isZero();
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    assertThat(rows).hasSize(4);
    assertThat(LongStream.range(0, 4).map(i -> rows.get((int) i).get("tokens").asLong()))
        .containsExactly(48L, 96L, 48L, 96L);
    for (JsonNode row : rows) {
      assertThat(row.get("achieved").asDouble()).isEqualTo(.5);
      assertThat(row.get("millis").asDouble()).isPositive();
      assertThat(row.get("information_loss").asDouble()).isBetween(0.0, 1.0);
    }
    assertThat(rows.get(0).get("growth").isNull()).isTrue();
    assertThat(rows.get(1).get("growth").isNumber()).isTrue();
  }
}
