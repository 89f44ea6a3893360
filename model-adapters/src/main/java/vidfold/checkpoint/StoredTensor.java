package vidfold.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import vidfold.torch.Dtype;

/** One tensor of a safetensors file, as it lies on disk: little-endian, row-major, not loaded. */
public final class StoredTensor {

  private final FileChannel channel;
  private final String file;
  private final SafetensorsEntry entry;

  StoredTensor(FileChannel channel, String file, SafetensorsEntry entry) {
    this.channel = channel;
    this.file = file;
    this.entry = entry;
  }

  public String name() {
    return entry.name();
  }

  /** The name of the file that holds it. */
  public String file() {
    return file;
  }

  /** The stored element type. */
  public Dtype dtype() {
    Dtype dtype = entry.knownDtype();
    if (dtype == null) {
      throw unsupported("a known dtype");
    }
    return dtype;
  }

  /** The shape, empty for a scalar; a copy. */
  public long[] shape() {
    return entry.dims().stream().mapToLong(Long::longValue).toArray();
  }

  /** Bytes on disk. */
  public long byteLength() {
    return entry.byteLength();
  }

  /**
   * Maps exactly this tensor, read-only, direct and little-endian. It comes in one buffer, or in
   * several cut at row boundaries when it has more than 2 GiB. The buffers stay valid after the
   * checkpoint is closed and are unmapped when they are garbage-collected. The file must not be
   * truncated meanwhile.
   */
  public List<ByteBuffer> map() {
    return map(Integer.MAX_VALUE);
  }

  List<ByteBuffer> map(long maxPiece) {
    long total = entry.byteLength();
    long piece = total;
    if (total > maxPiece) {
      long row = total / entry.dims().get(0);
      piece = maxPiece / row * row;
      if (piece == 0) {
        throw new CheckpointException(
            file, name() + ": expected rows of at most " + maxPiece + " bytes but found " + row);
      }
    }
    List<ByteBuffer> pieces = new ArrayList<>();
    long at = 0;
    do {
      long length = Math.min(piece, total - at);
      pieces.add(map(entry.begin() + at, length));
      at += length;
    } while (at < total);
    return pieces;
  }

  /**
   * Reads bytes from {@code offset} on until the buffer is full or the tensor ends, and flips the
   * buffer. Unlike a mapping, which stays resident until it is garbage-collected, this takes no
   * memory but the buffer's.
   */
  public void read(long offset, ByteBuffer into) {
    into.clear();
    into.limit((int) Math.min(into.capacity(), entry.byteLength() - offset));
    try {
      while (into.hasRemaining()) {
        if (channel.read(into, entry.begin() + offset + into.position()) < 0) {
          throw new CheckpointException(file, name() + ": the file has shrunk");
        }
      }
    } catch (IOException e) {
      throw new CheckpointException(file, name() + ": cannot be read: " + e, e);
    }
    into.flip();
  }

  /** Copies an F32 or BF16 tensor to the heap; for small tensors. */
  public float[] toFloats() {
    float[] values = new float[elements()];
    ByteBuffer bytes = map().get(0);
    switch (dtype()) {
      case F32 -> bytes.asFloatBuffer().get(values);
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.intBitsToFloat(bytes.getShort() << 16);
        }
      }
      default -> throw unsupported("F32 or BF16");
    }
    return values;
  }

  /** Copies an I64, I32 or U8 tensor to the heap; for small tensors. */
  public long[] toLongs() {
    long[] values = new long[elements()];
    ByteBuffer bytes = map().get(0);
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype()) {
            case I64 -> bytes.getLong();
            case I32 -> bytes.getInt();
            case U8 -> bytes.get() & 0xFF;
            default -> throw unsupported("I64, I32 or U8");
          };
    }
    return values;
  }

  CheckpointException unsupported(String expected) {
    return new CheckpointException(
        file, name() + ": expected " + expected + " but found dtype " + entry.dtype());
  }

  private int elements() {
    long elements = byteLength() / dtype().bytes();
    if (byteLength() > Integer.MAX_VALUE) {
      throw new CheckpointException(file, name() + ": too large for the heap: " + byteLength());
    }
    return (int) elements;
  }

  private ByteBuffer map(long offset, long length) {
    if (length == 0) {
      return ByteBuffer.allocateDirect(0).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
    try {
      if (offset + length > channel.size()) {
        throw new CheckpointException(
            file, name() + ": expected " + (offset + length) + " bytes but the file has shrunk");
      }
      return channel
          .map(FileChannel.MapMode.READ_ONLY, offset, length)
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new CheckpointException(file, name() + ": cannot be mapped: " + e, e);
    }
  }
}
