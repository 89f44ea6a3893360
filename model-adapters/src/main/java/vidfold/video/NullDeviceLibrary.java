package vidfold.video;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;

/**
 * An ELF shared object for x86-64 Linux whose functions do nothing, in place of ffmpeg's capture
 * device library.
 *
 * <p>The bundled ffmpeg program links {@code libavdevice}, which in turn wants PulseAudio, ALSA and
 * X11 libraries that a server does not have; without them the program does not even start. A server
 * must not open cameras, screens or the {@code lavfi} pseudo device anyway, so the library is
 * replaced by one without any device. Layout: one read-only segment (headers, hash, symbols,
 * strings, versions, code), then one writable page with the dynamic section.
 */
final class NullDeviceLibrary {
  /** The file name under which the dynamic loader looks for the library. */
  static final String FILE_NAME = "libavdevice.so.62";

  private static final String VERSION_NODE = "LIBAVDEVICE_62";
  private static final List<String> FUNCTIONS =
      List.of(
          "av_input_audio_device_next",
          "av_input_video_device_next",
          "av_output_audio_device_next",
          "av_output_video_device_next",
          "avdevice_configuration",
          "avdevice_free_list_devices",
          "avdevice_license",
          "avdevice_list_devices",
          "avdevice_list_input_sources",
          "avdevice_list_output_sinks",
          "avdevice_register_all",
          "avdevice_version");

  /**
   * {@code xor eax, eax; ret}, padded to eight bytes, then {@code lea rax, [rip + 1]; ret} and the
   * empty string.
   */
  private static final byte[] CODE = {
    0x31,
    (byte) 0xc0,
    (byte) 0xc3,
    0,
    0,
    0,
    0,
    0,
    0x48,
    (byte) 0x8d,
    0x05,
    1,
    0,
    0,
    0,
    (byte) 0xc3,
    0
  };

  private static final int RETURN_ZERO = 0;
  private static final int RETURN_EMPTY_TEXT = 8;

  /** The functions of which the banner prints or compares the text. */
  private static final Set<String> TEXT_FUNCTIONS =
      Set.of("avdevice_configuration", "avdevice_license");

  private static final int PAGE = 4096;
  private static final int DYNAMIC_ENTRIES = 10;
  private static final int HEADERS = 64 + 4 * 56;
  private static final int SYMBOLS = FUNCTIONS.size() + 1;
  private static final int HASH = HEADERS;
  private static final int SYMTAB = align(HASH + 4 * (3 + SYMBOLS));
  private static final int STRTAB = SYMTAB + 24 * SYMBOLS;

  private final StringBuilder strings = new StringBuilder("\0");
  private final ByteBuffer file = ByteBuffer.allocate(2 * PAGE).order(ByteOrder.LITTLE_ENDIAN);

  private NullDeviceLibrary() {}

  /** The bytes of the library file. */
  static byte[] bytes() {
    NullDeviceLibrary library = new NullDeviceLibrary();
    library.write();
    return library.file.array();
  }

  private void write() {
    int soname = intern(FILE_NAME);
    int versionName = intern(VERSION_NODE);
    int[] names = FUNCTIONS.stream().mapToInt(this::intern).toArray();
    int versym = align(STRTAB + strings.length());
    int verdef = align(versym + 2 * SYMBOLS);
    int code = align(verdef + 2 * 28);
    int textSize = code + CODE.length;
    writeHeaders(textSize);
    writeHash();
    writeSymbols(names, code);
    file.position(STRTAB).put(strings.toString().getBytes(StandardCharsets.US_ASCII));
    writeVersions(versym, verdef, soname, versionName);
    file.position(code).put(CODE);
    writeDynamic(soname, versym, verdef);
  }

  private void writeHeaders(int textSize) {
    file.position(0);
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
    file.putShort((short) 3).putShort((short) 62).putInt(1);
    file.putLong(0).putLong(64).putLong(0).putInt(0);
    file.putShort((short) 64).putShort((short) 56).putShort((short) 4);
    file.putShort((short) 64).putShort((short) 0).putShort((short) 0);
    int readExecute = 5;
    int readWrite = 6;
    segment(1, readExecute, 0, textSize);
    segment(1, readWrite, PAGE, PAGE);
    segment(2, readWrite, PAGE, DYNAMIC_ENTRIES * 16);
    int stackWithoutExecution = 0x6474e551;
    segment(stackWithoutExecution, readWrite, 0, 0);
  }

  private void segment(int type, int flags, int offset, int size) {
    file.putInt(type).putInt(flags).putLong(offset).putLong(offset).putLong(offset);
    file.putLong(size).putLong(size).putLong(type == 1 ? PAGE : 8);
  }

  /** One bucket: the loader walks the chain 1, 2, .. n. */
  private void writeHash() {
    file.position(HASH).putInt(1).putInt(SYMBOLS).putInt(1).putInt(0);
    for (int i = 1; i < SYMBOLS; i++) {
      file.putInt(i + 1 < SYMBOLS ? i + 1 : 0);
    }
  }

  private void writeSymbols(int[] names, int code) {
    file.position(SYMTAB + 24);
    for (int i = 0; i < names.length; i++) {
      byte globalFunction = 0x12;
      int entry = TEXT_FUNCTIONS.contains(FUNCTIONS.get(i)) ? RETURN_EMPTY_TEXT : RETURN_ZERO;
      file.putInt(names[i]).put(globalFunction).put((byte) 0).putShort((short) 1);
      file.putLong(code + entry).putLong(8);
    }
  }

  private void writeVersions(int versym, int verdef, int soname, int versionName) {
    file.position(versym).putShort((short) 0);
    for (int i = 1; i < SYMBOLS; i++) {
      file.putShort((short) 2);
    }
    file.position(verdef);
    version(1, 1, FILE_NAME, soname, 28);
    version(0, 2, VERSION_NODE, versionName, 0);
  }

  private void version(int flags, int index, String name, int nameOffset, int next) {
    file.putShort((short) 1).putShort((short) flags).putShort((short) index).putShort((short) 1);
    file.putInt(elfHash(name)).putInt(20).putInt(next);
    file.putInt(nameOffset).putInt(0);
  }

  private void writeDynamic(int soname, int versym, int verdef) {
    file.position(PAGE);
    dynamic(14, soname);
    dynamic(4, HASH);
    dynamic(5, STRTAB);
    dynamic(6, SYMTAB);
    dynamic(10, strings.length());
    dynamic(11, 24);
    dynamic(0x6ffffff0, versym);
    dynamic(0x6ffffffc, verdef);
    dynamic(0x6ffffffd, 2);
    dynamic(0, 0);
  }

  private void dynamic(long tag, long value) {
    file.putLong(tag).putLong(value);
  }

  private int intern(String text) {
    int offset = strings.length();
    strings.append(text).append('\0');
    return offset;
  }

  private static int align(int offset) {
    return (offset + 7) & ~7;
  }

  /**
   * The System V hash that the loader compares with the one in the program's version requirement.
   */
  private static int elfHash(String name) {
    int hash = 0;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash << 4) + name.charAt(i);
      int high = hash & 0xf0000000;
      hash = (hash ^ (high >>> 24)) & ~high;
    }
    return hash;
  }
}
