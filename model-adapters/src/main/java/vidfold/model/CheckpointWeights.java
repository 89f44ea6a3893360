package vidfold.model;

import vidfold.checkpoint.StoredTensor;
import vidfold.checkpoint.WeightSource;
import vidfold.torch.Tensor;

/** Weights from a checkpoint folder, read and cast one at a time. */
final class CheckpointWeights implements Weights {

  private final WeightSource source;
  private final WeightLoader loader;

  CheckpointWeights(WeightSource source, WeightLoader loader) {
    this.source = source;
    this.loader = loader;
  }

  @Override
  public Tensor load(String name, long... shape) {
    StoredTensor stored = source.require(name, shape);
    return loader.load(stored, shape);
  }
}
