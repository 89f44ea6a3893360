package vidfold.torch;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import java.util.ArrayList;
import java.util.List;

/**
 * A TorchScript module compiled from source, with typed calls.
 *
 * <p>Arguments may be {@link Tensor}, {@code Long}, {@code Integer}, {@code Double}, {@code
 * Boolean}, {@code String}, {@code long[]}, {@code double[]} or {@code List<Tensor>}; anything else
 * is an {@link IllegalArgumentException}. A call costs about 8 microseconds. Arguments stay the
 * caller's; returned tensors are the caller's to close.
 *
 * <p>Not safe for use by two threads at once when its methods change the module's attributes.
 */
public final class TorchModule implements AutoCloseable {

  private final Torch torch;
  private final String name;
  private final PtSymbolBlock block;

  TorchModule(Torch torch, String name, PtSymbolBlock block) {
    this.torch = torch;
    this.name = name;
    this.block = block;
  }

  /** Calls a method that returns a tensor. */
  public Tensor callTensor(String method, Object... args) {
    IValue result = run(method, args);
    if (!result.isTensor()) {
      throw unexpected(method, "a tensor", result);
    }
    return new Tensor(torch, result);
  }

  /** Calls a method that returns a tuple or list of tensors. */
  public List<Tensor> callTensors(String method, Object... args) {
    IValue result = run(method, args);
    if (!result.isTuple() && !result.isList() && !result.isTensorList()) {
      throw unexpected(method, "several tensors", result);
    }
    try (result) {
      if (result.isTensorList()) {
        List<Tensor> out = new ArrayList<>();
        for (PtNDArray array : result.toTensorArray(torch.manager())) {
          out.add(torch.adopt(array));
        }
        return out;
      }
      IValue[] parts = result.isTuple() ? result.toIValueTuple() : result.toIValueArray();
      List<Tensor> out = new ArrayList<>(parts.length);
      for (IValue part : parts) {
        out.add(new Tensor(torch, part));
      }
      return out;
    }
  }

  /** Calls a method that returns an int. */
  public long callLong(String method, Object... args) {
    try (IValue result = run(method, args)) {
      if (!result.isLong()) {
        throw unexpected(method, "an int", result);
      }
      return result.toLong();
    }
  }

  /** Calls a method that returns a float. */
  public double callDouble(String method, Object... args) {
    try (IValue result = run(method, args)) {
      if (!result.isDouble()) {
        throw unexpected(method, "a float", result);
      }
      return result.toDouble();
    }
  }

  /** Calls a method for its effect. */
  public void call(String method, Object... args) {
    run(method, args).close();
  }

  @Override
  public void close() {
    block.close();
  }

  private IValue run(String method, Object... args) {
    IValue[] values = new IValue[args.length];
    int made = 0;
    try {
      for (; made < args.length; made++) {
        values[made] = toValue(method, made, args[made]);
      }
      return IValueUtils.runMethod(block, method, values);
    } catch (EngineException e) {
      throw TorchException.from(name, method, e);
    } finally {
      for (int i = 0; i < made; i++) {
        if (!(args[i] instanceof Tensor)) {
          values[i].close();
        }
      }
    }
  }

  private IValue toValue(String method, int index, Object arg) {
    if (arg instanceof Tensor t) {
      return t.value();
    } else if (arg instanceof Number n && (arg instanceof Long || arg instanceof Integer)) {
      return IValue.from(n.longValue());
    } else if (arg instanceof Double d) {
      return IValue.from(d);
    } else if (arg instanceof Boolean b) {
      return IValue.from(b);
    } else if (arg instanceof String s) {
      return IValue.from(s);
    } else if (arg instanceof long[] l) {
      return IValue.listFrom(l);
    } else if (arg instanceof double[] d) {
      return IValue.listFrom(d);
    } else if (arg instanceof List<?> list) {
      return tensorList(list);
    }
    throw new IllegalArgumentException(
        name
            + "."
            + method
            + ": argument "
            + index
            + " has the unsupported type "
            + arg.getClass());
  }

  private IValue tensorList(List<?> list) {
    PtNDArray[] arrays = new PtNDArray[list.size()];
    try {
      for (int i = 0; i < arrays.length; i++) {
        arrays[i] = ((Tensor) list.get(i)).value().toTensor(torch.manager());
      }
      return IValue.listFrom(arrays);
    } finally {
      for (PtNDArray array : arrays) {
        if (array != null) {
          array.close();
        }
      }
    }
  }

  private TorchException unexpected(String method, String expected, IValue result) {
    try (result) {
      return new TorchException(
          name
              + "."
              + method
              + " was expected to return "
              + expected
              + ", not "
              + result.getType());
    }
  }
}
