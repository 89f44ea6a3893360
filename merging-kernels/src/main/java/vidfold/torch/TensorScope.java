package vidfold.torch;

import java.util.ArrayDeque;
import java.util.Deque;

/** Frees the tensors it was given, last first, when it closes. Used by one thread. */
public final class TensorScope implements AutoCloseable {

  private final Deque<Tensor> owned = new ArrayDeque<>();

  /** Takes ownership of a tensor and returns it. */
  public Tensor own(Tensor tensor) {
    owned.push(tensor);
    return tensor;
  }

  /** Gives a tensor back to the caller: this scope no longer frees it. */
  public Tensor release(Tensor tensor) {
    if (!owned.remove(tensor)) {
      throw new IllegalArgumentException("the tensor is not owned by this scope");
    }
    return tensor;
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().close();
    }
  }
}
