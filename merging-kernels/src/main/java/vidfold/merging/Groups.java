package vidfold.merging;

import vidfold.torch.Tensor;

/**
 * Survivors on their way: sums not yet divided, so that groups can still be joined. Owns the sums.
 *
 * @param sums f32 {@code [M, C]}
 * @param size what each sum is divided by to give the survivor's vector
 * @param partition which tokens each holds
 */
record Groups(Tensor sums, int[] size, Partition partition) implements AutoCloseable {

  int count() {
    return size.length;
  }

  @Override
  public void close() {
    sums.close();
  }
}
