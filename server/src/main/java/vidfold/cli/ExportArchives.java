package vidfold.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergedTokens;
import vidfold.merging.SyntheticTokens;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.model.WeightNames;
import vidfold.torch.Dtype;
import vidfold.torch.Script;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/**
 * {@code vidfold export-archives}: writes the script archives that the server loads, their
 * signatures and weights, and what every reducer keeps of a small video, so that a program in
 * another language can run and check the same tensor code.
 */
@Command(
    name = "export-archives",
    mixinStandardHelpOptions = true,
    description =
        "Write the TorchScript archives that the server loads, and a description of them.")
final class ExportArchives implements Callable<Integer> {

  private static final List<String> REDUCERS =
      List.of("sttm", "temporal", "octree", "ustc", "tome", "dycoke", "framefusion", "uniform");

  /** T, H, W and C of the video that every reducer merges: odd sides, an uneven last group. */
  private static final int[] VIDEO = {6, 7, 9, 24};

  private static final double[] RETENTIONS = {0.5, 0.3, 0.1};

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "Folder to write to; made if it is not there.")
  private Path folder = Path.of(".");

  /** One archive; {@code file} is beside the description. */
  record Archive(
      String file,
      @JsonProperty("class") String className,
      List<Script.Typed> attributes,
      List<Script.Method> methods) {}

  /**
   * What a reducer keeps.
   *
   * @param sourceIndex token that represents each survivor, in their order
   * @param owner survivor of each token, or -1
   * @param sum of all elements of the survivors, in f64
   */
  record Kept(
      String reducer, String mode, double retention, int[] sourceIndex, int[] owner, double sum) {}

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(folder);
    List<Archive> archives = new ArrayList<>();
    for (Script script : Script.all()) {
      String file = script.file().replaceFirst("\\.py$", ".pt");
      Files.write(folder.resolve(file), script.archive());
      archives.add(new Archive(file, script.className(), script.attributes(), script.methods()));
    }
    try (Torch torch = Torch.start(TorchConfig.cpuF32())) {
      Map<String, Object> out = new LinkedHashMap<>();
      out.put("vidfold", Version.current());
      out.put("pytorch", torch.version());
      out.put("archives", archives);
      out.put("families", WeightNames.published(torch));
      write("archives.json", out);
      write("merges.json", merges(torch));
    }
    spec.commandLine()
        .getOut()
        .printf("%d archives, archives.json and merges.json in %s%n", archives.size(), folder);
    return 0;
  }

  private static Map<String, Object> merges(Torch torch) {
    Map<String, Object> out = new LinkedHashMap<>();
    List<Kept> cases = new ArrayList<>();
    try (TokenMergers mergers = new TokenMergers(torch);
        Tensor values =
            SyntheticTokens.make(torch, Dtype.F32, VIDEO[0], VIDEO[1], VIDEO[2], VIDEO[3])) {
      VideoTokens video = new VideoTokens(values, VIDEO[0], VIDEO[1], VIDEO[2]);
      for (String reducer : REDUCERS) {
        for (String mode : List.of("reference", "strict")) {
          for (double retention : RETENTIONS) {
            cases.add(kept(mergers, MergeSpec.of(reducer, mode, retention), video));
          }
        }
      }
      out.put("shape", VIDEO);
      out.put("values", values.toFloats());
    }
    out.put("cases", cases);
    return out;
  }

  private static Kept kept(TokenMergers mergers, MergeSpec spec, VideoTokens video) {
    try (MergedTokens merged = mergers.create(spec).merge(video)) {
      double sum = 0;
      for (float value : merged.values().toFloats()) {
        sum += value;
      }
      @Nullable Double retention = spec.retention();
      return new Kept(
          spec.reducer(),
          spec.mode(),
          Objects.requireNonNull(retention),
          merged.sourceIndex(),
          merged.owner(),
          sum);
    }
  }

  private void write(String file, Object value) throws IOException {
    new ObjectMapper()
        .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(folder.resolve(file).toFile(), value);
  }
}
