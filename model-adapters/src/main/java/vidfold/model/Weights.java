package vidfold.model;

import vidfold.torch.Tensor;

/** Where a model's weights come from, by their names in the published checkpoint. */
interface Weights {

  /** Loads one weight of this shape in the model's dtype onto its device; the caller closes it. */
  Tensor load(String name, long... shape);
}
