package vidfold.model;

import vidfold.torch.Tensor;

/** Random weights of any shape, so that speed can be measured without a checkpoint. */
final class RandomWeights implements Weights {

  private static final double DEVIATION = 0.02;

  private final WeightLoader loader;

  RandomWeights(WeightLoader loader) {
    this.loader = loader;
  }

  @Override
  public Tensor load(String name, long... shape) {
    return loader.random(DEVIATION, shape);
  }
}
