package vidfold.torch;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PyTorch on one device or several GPUs: compiles script modules, makes tensors, and counts live
 * handles.
 *
 * <p>bf16 is the default where it is native (CUDA, AVX512-BF16, AMX), else f32. f16 on a CPU is
 * hundreds of times slower and is never chosen.
 */
public final class Torch implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Torch.class);

  private static final String CUDA = "cuda:";

  private final PtNDManager manager;
  private final PtNDManager hostManager;
  private final List<Device> devices;
  private final Device device;
  private final Dtype dtype;
  private final AtomicLong live = new AtomicLong();
  private final TorchModule tensors;

  private Torch(List<Device> devices, Dtype dtype) {
    this.devices = List.copyOf(devices);
    this.device = devices.get(0);
    this.dtype = dtype;
    this.manager = (PtNDManager) NDManager.newBaseManager(device, "PyTorch");
    this.hostManager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
    this.tensors = script("Tensors", "tensors.py");
  }

  /**
   * Starts the engine on libtorch as {@link LibTorch} finds it.
   *
   * @throws IllegalArgumentException if libtorch or the driver does not fit, or the device asked
   *     for is not there; the message says what was found and what was expected
   */
  public static Torch start(TorchConfig config) {
    Map<String, String> environment = System.getenv();
    LibTorch libtorch =
        LibTorch.choose(environment, LibTorch.fetchedFolder(environment), config.device());
    if (libtorch.cuda() && !config.device().equals("cpu")) {
      NvidiaDriver.requireNewEnough(NvidiaDriver.VERSION_FILE);
    }
    libtorch.select();
    loadEngine(libtorch);
    JniUtils.setGraphExecutorOptimize(false);
    int threads =
        config.threads() > 0 ? config.threads() : Runtime.getRuntime().availableProcessors();
    JniUtils.setNumThreads(threads);
    String asked = config.device();
    if (asked.equals("cpu") || !libtorch.cuda()) {
      return onCpu(config);
    }
    List<Device> gpus = gpus(asked);
    try {
      return onGpus(gpus, chooseDtype(config.dtype(), gpus.get(0)));
    } catch (TorchException e) {
      String why =
          "%s cannot be used: %s; %s, libtorch is %s"
              .formatted(
                  asked.equals("auto") ? name(gpus.get(0)) : asked,
                  e.getMessage(),
                  NvidiaDriver.describe(NvidiaDriver.VERSION_FILE),
                  libtorch.describe());
      if (!asked.equals("auto")) {
        throw new IllegalArgumentException(why, e);
      }
      log.warn("{}; the CPU is used", why);
      return onCpu(config);
    }
  }

  private static void loadEngine(LibTorch libtorch) {
    try {
      Engine.getEngine("PyTorch");
    } catch (ai.djl.engine.EngineException | LinkageError e) {
      throw new IllegalArgumentException(
          "libtorch (%s) cannot be loaded: %s".formatted(libtorch.describe(), e.getMessage()), e);
    }
  }

  private static Torch onCpu(TorchConfig config) {
    return new Torch(List.of(Device.cpu()), chooseDtype(config.dtype(), Device.cpu()));
  }

  /** The GPUs asked for, or all; where nobody counts them, the first. */
  private static List<Device> gpus(String asked) {
    if (asked.equals("auto")) {
      int count = Math.max(1, Engine.getEngine("PyTorch").getGpuCount());
      return IntStream.range(0, count).mapToObj(Device::gpu).toList();
    }
    return Arrays.stream(asked.split(",", -1))
        .map(name -> Device.gpu(Integer.parseInt(name.substring(CUDA.length()))))
        .toList();
  }

  /** Starts on GPUs and sends each something, so that what is wrong with one shows now. */
  private static Torch onGpus(List<Device> gpus, Dtype dtype) {
    Torch torch = new Torch(gpus, dtype);
    try {
      for (String name : torch.deviceNames()) {
        try (Tensor one = torch.longs(new long[] {0}, 1);
            Tensor there = torch.tensors().callTensor("copy_to", one, name)) {
          there.toLongs();
        }
      }
      return torch;
    } catch (TorchException e) {
      torch.close();
      throw e;
    }
  }

  /** The first device's name, {@code cpu} or {@code cuda:N}. Tensors are made on this one. */
  public String deviceName() {
    return name(device);
  }

  /** The names of all devices that may be used, the first one first. */
  public List<String> deviceNames() {
    return devices.stream().map(Torch::name).toList();
  }

  private static String name(Device device) {
    return device.isGpu() ? CUDA + device.getDeviceId() : "cpu";
  }

  /**
   * Free memory of one of {@link #deviceNames}, in bytes.
   *
   * @throws IllegalStateException where the driver does not tell
   */
  public long freeBytes(String deviceName) {
    return NvidiaDriver.freeBytes(
            "nvidia-smi", Integer.parseInt(deviceName.substring(CUDA.length())), System.getenv())
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "nvidia-smi does not tell how much memory is free on "
                        + deviceName
                        + "; name one device"));
  }

  public boolean onGpu() {
    return device.isGpu();
  }

  /** Free memory of the GPU, in bytes; empty on a CPU and where the driver does not tell. */
  public OptionalLong freeDeviceBytes() {
    return device.isGpu()
        ? NvidiaDriver.freeBytes("nvidia-smi", device.getDeviceId(), System.getenv())
        : OptionalLong.empty();
  }

  /** The dtype of weights and activations. */
  public Dtype dtype() {
    return dtype;
  }

  /** libtorch's version. */
  public String version() {
    return Engine.getEngine("PyTorch").getVersion();
  }

  /** Tensor handles that are open. */
  public long liveTensors() {
    return live.get();
  }

  /**
   * Compiles a module from TorchScript text.
   *
   * @param dictAttributes names of the attributes that start as empty dictionaries
   * @throws TorchException if the source does not compile; the message names the line
   */
  public TorchModule module(String className, String source, String... dictAttributes) {
    return load(className, ScriptArchive.assemble(className, source, Map.of(), dictAttributes));
  }

  /**
   * Compiles a script as it is.
   *
   * @throws TorchException if it does not compile; the message names the line
   */
  public TorchModule module(Script script) {
    return load(script.className(), script.archive());
  }

  private TorchModule load(String className, byte[] archive) {
    try {
      return new TorchModule(
          this,
          className,
          JniUtils.loadModule(manager, new ByteArrayInputStream(archive), false, false));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ai.djl.engine.EngineException e) {
      throw new TorchException(
          className + " does not compile: " + e.getMessage(), e, /* outOfMemory= */ false);
    }
  }

  /**
   * Compiles a module whose source is a resource in {@code vidfold/torchscript}, {@linkplain
   * Script#withoutOneDnn without oneDNN} where libtorch was built without it.
   *
   * @throws IllegalArgumentException if the file has another class or other attributes
   */
  public TorchModule script(String className, String file, String... dictAttributes) {
    Script script = Script.of(file);
    List<String> attributes = List.of(dictAttributes);
    if (!script.className().equals(className) || !script.dictAttributes().equals(attributes)) {
      throw new IllegalArgumentException(
          "%s was expected to declare %s with %s but declares %s with %s"
              .formatted(file, className, attributes, script.className(), script.dictAttributes()));
    }
    try {
      return module(script);
    } catch (TorchException e) {
      Script plain = script.withoutOneDnn();
      if (plain.equals(script)) {
        throw e;
      }
      return module(plain);
    }
  }

  /** A float tensor on the device. */
  public Tensor floats(float[] values, long... shape) {
    ByteBuffer bytes = direct(values.length * (long) Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return fromBytes(bytes, DataType.FLOAT32, shape);
  }

  /** A 64-bit integer tensor on the device. */
  public Tensor longs(long[] values, long... shape) {
    ByteBuffer bytes = direct(values.length * (long) Long.BYTES);
    bytes.asLongBuffer().put(values);
    return fromBytes(bytes, DataType.INT64, shape);
  }

  /** A 64-bit integer tensor on the device from ints. */
  public Tensor ints(int[] values, long... shape) {
    long[] wide = new long[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return longs(wide, shape);
  }

  /** A byte tensor on the device, copied from a direct buffer. */
  public Tensor bytes(ByteBuffer direct, long... shape) {
    return fromBytes(direct.duplicate(), DataType.UINT8, shape);
  }

  /**
   * A byte tensor on the host that views a direct or mapped buffer without copying it: the buffer
   * must stay reachable and mapped until the tensor is closed.
   */
  public Tensor viewBytes(ByteBuffer direct, long... shape) {
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("the buffer must be direct");
    }
    PtNDArray array =
        JniUtils.createNdFromByteBuffer(
            hostManager,
            direct.slice(),
            new Shape(shape),
            DataType.UINT8,
            ai.djl.ndarray.types.SparseFormat.DENSE,
            Device.cpu());
    return adopt(array);
  }

  /**
   * A tensor on the device from stored elements of any dtype, little-endian and row-major.
   *
   * @param pieces direct or mapped buffers, one after the other
   */
  public Tensor load(List<ByteBuffer> pieces, Dtype stored, long... shape) {
    try (TensorScope scope = new TensorScope()) {
      List<Tensor> raw = new ArrayList<>();
      for (ByteBuffer piece : pieces) {
        raw.add(scope.own(viewBytes(piece, piece.remaining())));
      }
      return tensors.callTensor("typed", raw, stored.code(), deviceName(), shape);
    } finally {
      java.lang.ref.Reference.reachabilityFence(pieces);
    }
  }

  /** Waits until the device has done everything that it was asked for. */
  public void await() {
    try (Tensor last = longs(new long[] {0}, 1)) {
      last.toLongs();
    }
  }

  /** Frees the engine's managers. Tensors and modules must have been closed before. */
  @Override
  public void close() {
    tensors.close();
    manager.close();
    hostManager.close();
  }

  PtNDManager manager() {
    return manager;
  }

  /** The script behind {@link Tensor}'s own methods. */
  TorchModule tensors() {
    return tensors;
  }

  void opened() {
    live.incrementAndGet();
  }

  void closed() {
    live.decrementAndGet();
  }

  /** Wraps a DJL array, which is closed: the handle keeps the native tensor alive. */
  Tensor adopt(PtNDArray array) {
    try (array) {
      return new Tensor(this, IValue.from(array));
    }
  }

  private Tensor fromBytes(ByteBuffer bytes, DataType type, long... shape) {
    PtNDArray view =
        JniUtils.createNdFromByteBuffer(
            hostManager,
            bytes,
            new Shape(shape),
            type,
            ai.djl.ndarray.types.SparseFormat.DENSE,
            Device.cpu());
    try (Tensor host = adopt(view)) {
      return tensors.callTensor("copy_to", host, deviceName());
    } finally {
      java.lang.ref.Reference.reachabilityFence(bytes);
    }
  }

  private static ByteBuffer direct(long bytes) {
    return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
  }

  private static Dtype chooseDtype(String asked, Device device) {
    return switch (asked) {
      case "f32" -> Dtype.F32;
      case "bf16" -> Dtype.BF16;
      default -> device.isGpu() || cpuHasBf16() ? Dtype.BF16 : Dtype.F32;
    };
  }

  private static boolean cpuHasBf16() {
    try {
      String info = Files.readString(Path.of("/proc/cpuinfo"));
      return info.contains("avx512_bf16") || info.contains("amx_bf16");
    } catch (IOException e) {
      return false;
    }
  }
}
