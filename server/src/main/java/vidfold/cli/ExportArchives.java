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
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import vidfold.merging.MergeSpec;
import vidfold.merging.MergedTokens;
import vidfold.merging.TokenMergers;
import vidfold.merging.VideoTokens;
import vidfold.model.WeightNames;
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
  private static final int[] SHAPE = {6, 7, 9, 64};

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
    int[] elements = video();
    float[] floats = new float[elements.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = elements[i];
    }
    List<Kept> cases = new ArrayList<>();
    try (TokenMergers mergers = new TokenMergers(torch);
        Tensor values = torch.floats(floats, SHAPE[0], SHAPE[1], SHAPE[2], SHAPE[3])) {
      VideoTokens video = new VideoTokens(values, SHAPE[0], SHAPE[1], SHAPE[2]);
      for (String reducer : REDUCERS) {
        for (String mode : List.of("reference", "strict")) {
          for (double retention : RETENTIONS) {
            cases.add(kept(mergers, MergeSpec.of(reducer, mode, retention), video));
          }
        }
      }
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("shape", SHAPE);
    out.put("values", elements);
    out.put("cases", cases);
    return out;
  }

  /**
   * Small whole numbers, so that sums of products are exact in any order and every machine finds
   * the same cosines. A token resembles its neighbour to the left and itself a frame before, more
   * so in some columns than in others.
   */
  private static int[] video() {
    SplittableRandom random = new SplittableRandom(1);
    int width = SHAPE[2] * SHAPE[3];
    int frame = SHAPE[1] * width;
    int[] out = new int[SHAPE[0] * frame];
    for (int i = 0; i < out.length; i++) {
      int column = i % width / SHAPE[3];
      int like = i >= frame ? i - frame : column > 0 ? i - SHAPE[3] : -1;
      boolean fresh = like < 0 || random.nextInt(10) < 1 + column % 5;
      out[i] = fresh ? random.nextInt(-4, 5) : out[like];
    }
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
