package vidfold.torch;

import org.jspecify.annotations.Nullable;

/** Element types of tensors, with the numbers that PyTorch gives them. */
public enum Dtype {
  U8(0, 1),
  I8(1, 1),
  I32(3, 4),
  I64(4, 8),
  F16(5, 2),
  F32(6, 4),
  F64(7, 8),
  BOOL(11, 1),
  BF16(15, 2);

  private final int code;
  private final int bytes;

  Dtype(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** The number of this type in {@code c10::ScalarType}. */
  public int code() {
    return code;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The lower-case name used in flags and receipts, for example {@code bf16}. */
  public String label() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  static @Nullable Dtype ofCode(long code) {
    for (Dtype dtype : values()) {
      if (dtype.code == code) {
        return dtype;
      }
    }
    return null;
  }
}
