package vidfold.torch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript archive assembled from source: a stored zip of the source and of the libraries it
 * calls, a pickled module object, an empty constant table and the format version. {@code
 * torch.jit.load} reads the same bytes.
 *
 * <p>The pickle (protocol 2) makes one object of {@code __torch__.NAME} whose attributes are {@code
 * training} = False and, for each dictionary attribute that the source declares, an empty one.
 */
final class ScriptArchive {

  private static final String ROOT = "archive";

  private ScriptArchive() {}

  /**
   * Assembles an archive.
   *
   * @param className the module class in the source
   * @param source TorchScript text in the dialect of serialised code
   * @param libraries sources of functions, which {@code source} calls as {@code
   *     __torch__.NAME.function}, by name
   * @param dictAttributes names of the attributes that start as empty dictionaries
   */
  static byte[] assemble(
      String className, String source, Map<String, String> libraries, String... dictAttributes) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "data.pkl", pickle(className, dictAttributes));
      store(zip, "code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      for (Map.Entry<String, String> library : new TreeMap<>(libraries).entrySet()) {
        byte[] text = library.getValue().getBytes(StandardCharsets.UTF_8);
        store(zip, "code/__torch__/" + library.getKey() + ".py", text);
      }
      store(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      store(zip, "version", "3\n".getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static byte[] pickle(String className, String... dictAttributes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x80, 2}); // PROTO 2
    text(out, "c__torch__\n" + className + "\n"); // GLOBAL
    text(out, ")"); // EMPTY_TUPLE
    out.write(0x81); // NEWOBJ
    text(out, "}("); // EMPTY_DICT MARK
    name(out, "training");
    out.write(0x89); // NEWFALSE
    for (String attribute : dictAttributes) {
      name(out, attribute);
      text(out, "}"); // EMPTY_DICT
    }
    text(out, "ub."); // SETITEMS BUILD STOP
    return out.toByteArray();
  }

  private static void name(ByteArrayOutputStream out, String name) {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    out.write('X'); // BINUNICODE, little-endian length
    out.writeBytes(new byte[] {(byte) utf8.length, 0, 0, 0});
    out.writeBytes(utf8);
  }

  private static void text(ByteArrayOutputStream out, String ascii) {
    out.writeBytes(ascii.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(ROOT + "/" + name);
    CRC32 crc = new CRC32();
    crc.update(content);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    entry.setTime(0);
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
