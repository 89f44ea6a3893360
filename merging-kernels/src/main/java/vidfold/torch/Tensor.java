package vidfold.torch;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A handle on a native tensor of any dtype. Whoever receives it closes it, directly or through a
 * {@link TensorScope}.
 *
 * <p>The handle never passes a dtype to DJL that its JNI cannot carry; reading converts on the
 * device first.
 */
public final class Tensor implements AutoCloseable {

  private final Torch torch;
  private final IValue value;
  private final AtomicBoolean closed = new AtomicBoolean();

  Tensor(Torch torch, IValue value) {
    this.torch = torch;
    this.value = value;
    torch.opened();
  }

  /** The dimensions. */
  public long[] shape() {
    try (PtNDArray array = value().toTensor(torch.manager())) {
      return array.getShape().getShape();
    }
  }

  /** The element type. */
  public Dtype dtype() {
    long code = torch.tensors().callLong("dtype", this);
    Dtype dtype = Dtype.ofCode(code);
    if (dtype == null) {
      throw new TorchException("unsupported dtype number " + code);
    }
    return dtype;
  }

  /** Number of elements. */
  public long size() {
    long size = 1;
    for (long d : shape()) {
      size *= d;
    }
    return size;
  }

  /** Bytes of the elements. */
  public long bytes() {
    return size() * dtype().bytes();
  }

  /** Copies the elements of a floating-point tensor to the heap, row-major. */
  public float[] toFloats() {
    try (Tensor plain = torch.tensors().callTensor("to_f32", this)) {
      ByteBuffer bytes = plain.read();
      float[] out = new float[bytes.remaining() / Float.BYTES];
      bytes.asFloatBuffer().get(out);
      return out;
    }
  }

  /** Copies the elements of an integer or boolean tensor to the heap, row-major. */
  public long[] toLongs() {
    try (Tensor plain = torch.tensors().callTensor("to_i64", this)) {
      ByteBuffer bytes = plain.read();
      long[] out = new long[bytes.remaining() / Long.BYTES];
      bytes.asLongBuffer().get(out);
      return out;
    }
  }

  /** Copies the elements of an integer or boolean tensor to the heap as ints, row-major. */
  public int[] toInts() {
    long[] wide = toLongs();
    int[] out = new int[wide.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = Math.toIntExact(wide[i]);
    }
    return out;
  }

  /** Another handle on the same native tensor, closed on its own. */
  public Tensor share() {
    return torch.tensors().callTensor("same", this);
  }

  /** Frees the handle; closing twice does nothing. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      value.close();
      torch.closed();
    }
  }

  IValue value() {
    if (closed.get()) {
      throw new IllegalStateException("this tensor is closed");
    }
    return value;
  }

  /** Reads a contiguous f32 or i64 CPU tensor. */
  private ByteBuffer read() {
    try (PtNDArray array = value().toTensor(torch.manager())) {
      return array.toByteBuffer().order(ByteOrder.nativeOrder());
    }
  }
}
