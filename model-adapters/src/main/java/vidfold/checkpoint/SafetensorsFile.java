package vidfold.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/** An open safetensors file; reads its header at once and its tensors when they are asked for. */
public final class SafetensorsFile implements AutoCloseable {

  private static final int DIGESTED = 1 << 20;

  private final FileChannel channel;
  private final String file;
  private final SafetensorsHeader header;

  private SafetensorsFile(FileChannel channel, String file, SafetensorsHeader header) {
    this.channel = channel;
    this.file = file;
    this.header = header;
  }

  /** Opens a file and checks its header; any defect is a {@link CheckpointException}. */
  public static SafetensorsFile open(Path path) {
    String file = JsonFiles.nameOf(path);
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(
          file, "expected a file but found none in " + path.toAbsolutePath().getParent(), e);
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be opened: " + e, e);
    }
    try {
      return new SafetensorsFile(channel, file, SafetensorsHeader.read(channel, file));
    } catch (IOException | RuntimeException e) {
      try {
        channel.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw e instanceof CheckpointException defect
          ? defect
          : new CheckpointException(file, "cannot be read: " + e, e);
    }
  }

  /** The file's name without its folder. */
  public String name() {
    return file;
  }

  /** The header's {@code __metadata__}. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /** Names of all tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.entries().keySet());
  }

  /** The tensor of this name; an error when there is none. */
  public StoredTensor find(String name) {
    SafetensorsEntry entry = header.entries().get(name);
    if (entry == null) {
      throw new CheckpointException(
          file, name + ": expected a tensor but found none of this name among " + names().size());
    }
    return new StoredTensor(channel, file, entry);
  }

  /** Closes the file; buffers already mapped stay valid. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be closed: " + e, e);
    }
  }

  /** Adds the name, the size, the header and the first and last 1 MiB to a digest. */
  void digest(MessageDigest digest) {
    try {
      long size = channel.size();
      byte[] facts =
          "%s\n%d\n%d\n"
              .formatted(file, size, header.json().length)
              .getBytes(StandardCharsets.UTF_8);
      digest.update(facts);
      digest.update(header.json());
      digest.update(window(0, size));
      digest.update(window(Math.max(0, size - DIGESTED), size));
    } catch (IOException e) {
      throw new CheckpointException(file, "cannot be read: " + e, e);
    }
  }

  private ByteBuffer window(long from, long size) throws IOException {
    return channel.map(FileChannel.MapMode.READ_ONLY, from, Math.min(DIGESTED, size - from));
  }
}
