package vidfold.checkpoint;

import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.torch.Dtype;

/**
 * One tensor in a safetensors header.
 *
 * @param name key of the tensor
 * @param dtype element type as written, for example BF16
 * @param dims shape
 * @param begin first byte, from the start of the file
 * @param end byte after the last, from the start of the file
 */
record SafetensorsEntry(String name, String dtype, List<Long> dims, long begin, long end) {

  SafetensorsEntry {
    dims = List.copyOf(dims);
  }

  long byteLength() {
    return end - begin;
  }

  /** The element type, or null when it is none that PyTorch and this project share. */
  @Nullable Dtype knownDtype() {
    for (Dtype known : Dtype.values()) {
      if (known.name().equals(dtype)) {
        return known;
      }
    }
    return null;
  }
}
