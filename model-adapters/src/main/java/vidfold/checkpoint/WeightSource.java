package vidfold.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import vidfold.torch.Dtype;

/**
 * The weights of a checkpoint by name: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names. Only F32, F16 and BF16 are weights.
 */
public final class WeightSource {

  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private final List<SafetensorsFile> files;
  private final Map<String, SafetensorsFile> fileOf;
  private final String origin;

  private WeightSource(
      List<SafetensorsFile> files, Map<String, SafetensorsFile> fileOf, String origin) {
    this.files = files;
    this.fileOf = fileOf;
    this.origin = origin;
  }

  static WeightSource open(Path folder) {
    if (Files.isRegularFile(folder.resolve(SINGLE))) {
      SafetensorsFile file = SafetensorsFile.open(folder.resolve(SINGLE));
      Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
      file.names().forEach(name -> fileOf.put(name, file));
      return new WeightSource(List.of(file), fileOf, SINGLE);
    }
    if (!Files.isRegularFile(folder.resolve(INDEX))) {
      throw new CheckpointException(
          folder.toString(), "expected " + SINGLE + " or " + INDEX + " but found neither");
    }
    return openShards(folder);
  }

  /** Whether a weight of this name exists, of whatever dtype. */
  public boolean has(String name) {
    return fileOf.containsKey(name);
  }

  /** Names of all weights. */
  public Set<String> names() {
    return Collections.unmodifiableSet(fileOf.keySet());
  }

  /** The weight of this name; an error when it is missing or neither F32, F16 nor BF16. */
  public StoredTensor find(String name) {
    SafetensorsFile file = fileOf.get(name);
    if (file == null) {
      throw new CheckpointException(
          origin, name + ": expected a tensor but found none of this name among " + fileOf.size());
    }
    StoredTensor tensor = file.find(name);
    Dtype dtype = tensor.dtype();
    if (dtype != Dtype.F32 && dtype != Dtype.F16 && dtype != Dtype.BF16) {
      throw tensor.unsupported("F32, F16 or BF16");
    }
    return tensor;
  }

  /** The weight of this name and shape; any other shape is an error. */
  public StoredTensor require(String name, long... shape) {
    StoredTensor tensor = find(name);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new CheckpointException(
          tensor.file(),
          name
              + ": expected shape "
              + Arrays.toString(shape)
              + " but found "
              + Arrays.toString(tensor.shape()));
    }
    return tensor;
  }

  /** The open files, sorted by name. */
  List<SafetensorsFile> files() {
    return files;
  }

  void close() {
    closeAll(files);
  }

  private static WeightSource openShards(Path folder) {
    ConfigNode weightMap = ConfigNode.read(folder.resolve(INDEX)).node("weight_map");
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, ?> field : weightMap.json().properties()) {
        String weight = field.getKey();
        String shard = weightMap.getString(weight);
        SafetensorsFile file = shards.get(shard);
        if (file == null) {
          file = openShard(folder, weight, shard);
          shards.put(shard, file);
        }
        if (!file.names().contains(weight)) {
          throw new CheckpointException(
              INDEX, weight + ": expected in " + shard + " but found no tensor of this name there");
        }
        fileOf.put(weight, file);
      }
    } catch (RuntimeException e) {
      closeAll(shards.values());
      throw e;
    }
    return new WeightSource(new ArrayList<>(shards.values()), fileOf, INDEX);
  }

  private static SafetensorsFile openShard(Path folder, String weight, String shard) {
    if (shard.isEmpty() || shard.contains("/") || shard.contains("\\") || shard.indexOf(0) >= 0) {
      throw new CheckpointException(
          INDEX, weight + ": expected the name of a file in this folder but found " + shard);
    }
    if (!Files.isRegularFile(folder.resolve(shard))) {
      throw new CheckpointException(
          INDEX, weight + ": expected the shard " + shard + " but found no such file");
    }
    return SafetensorsFile.open(folder.resolve(shard));
  }

  private static void closeAll(Collection<SafetensorsFile> files) {
    files.forEach(SafetensorsFile::close);
  }
}
