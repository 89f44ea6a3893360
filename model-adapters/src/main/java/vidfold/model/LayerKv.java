package vidfold.model;

import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.TensorScope;

/**
 * Keys and values of consecutive decoder layers, the first of them {@code first}: a tensor {@code
 * [n, 2, Hkv, P, D]} for each share of the {@link PlacementPlan}, on its device, with n = 0 where a
 * share has none of these layers.
 */
record LayerKv(int first, List<Tensor> parts) implements AutoCloseable {

  LayerKv {
    parts = List.copyOf(parts);
  }

  /** The one tensor of a decoder on one device. */
  Tensor only() {
    if (parts.size() != 1) {
      throw new IllegalStateException(
          "this needs a model on one device; its layers are on " + parts.size());
    }
    return parts.get(0);
  }

  /** Leaves the closing to a scope. */
  LayerKv in(TensorScope scope) {
    parts.forEach(scope::own);
    return this;
  }

  @Override
  public void close() {
    parts.forEach(Tensor::close);
  }
}
