package vidfold.torch;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A TorchScript source on the class path, and what it declares. Its {@link #archive} is what the
 * engine loads, byte for byte.
 *
 * @param file its name in {@code vidfold/torchscript}
 * @param source TorchScript text in the dialect of serialised code
 * @param libraries sources of the functions that it calls, directly or not, by name: {@code
 *     __torch__.NAME.function} is in {@code NAME.py}
 */
public record Script(String file, String source, Map<String, String> libraries) {

  private static final String FOLDER = "vidfold/torchscript";
  private static final Pattern CLASS =
      Pattern.compile("^class (\\w+)\\(Module\\):", Pattern.MULTILINE);
  private static final Pattern LIBRARY = Pattern.compile("__torch__\\.(\\w+)\\.");
  private static final Pattern ATTRIBUTE = Pattern.compile("^  (\\w+) : (.+)$", Pattern.MULTILINE);
  private static final Pattern METHOD =
      Pattern.compile("^  def (\\w+)\\(self: [\\w.]+(?:, (.*))?\\) -> (.+):$", Pattern.MULTILINE);
  private static final Pattern ONE_DNN =
      Pattern.compile(
          "ops\\.mkldnn\\._linear_pointwise\\((\\w+), (\\w+), (\\w+), .*\\)$", Pattern.MULTILINE);

  public Script {
    libraries = Map.copyOf(libraries);
  }

  /** A name with its type, as TorchScript writes it. */
  public record Typed(String name, String type) {}

  /** A method's signature, without {@code self}. */
  public record Method(String name, List<Typed> arguments, String returns) {}

  /**
   * Reads a script.
   *
   * @throws IllegalArgumentException if there is no such resource
   */
  public static Script of(String file) {
    String source = read(file);
    return new Script(file, source, libraries(source));
  }

  private static String read(String file) {
    try (InputStream in = Script.class.getResourceAsStream("/" + FOLDER + "/" + file)) {
      if (in == null) {
        throw new IllegalArgumentException("there is no script named " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, String> libraries(String source) {
    Map<String, String> found = new TreeMap<>();
    Deque<String> unread = new ArrayDeque<>(List.of(source));
    while (!unread.isEmpty()) {
      for (MatchResult call : LIBRARY.matcher(unread.remove()).results().toList()) {
        String name = call.group(1);
        if (!found.containsKey(name)) {
          String library = read(name + ".py");
          found.put(name, library);
          unread.add(library);
        }
      }
    }
    return found;
  }

  /** Every script on the class path that declares a module class, by name. */
  public static List<Script> all() {
    TreeSet<String> files = new TreeSet<>();
    try {
      for (URL folder : Collections.list(Script.class.getClassLoader().getResources(FOLDER))) {
        files.addAll(files(folder));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files.stream()
        .map(Script::of)
        .filter(script -> CLASS.matcher(script.source).find())
        .toList();
  }

  /** The module class that the source declares. */
  public String className() {
    Matcher declared = CLASS.matcher(source);
    if (!declared.find()) {
      throw new IllegalStateException(file + " declares no module class");
    }
    return declared.group(1);
  }

  /** The module's attributes, in the order of the source. */
  public List<Typed> attributes() {
    return ATTRIBUTE
        .matcher(source)
        .results()
        .map(found -> new Typed(found.group(1), found.group(2)))
        .toList();
  }

  /** Names of the attributes that start as empty dictionaries. */
  public List<String> dictAttributes() {
    return attributes().stream()
        .filter(attribute -> attribute.type().startsWith("Dict["))
        .map(Typed::name)
        .toList();
  }

  /** The module's methods, in the order of the source. */
  public List<Method> methods() {
    return METHOD
        .matcher(source)
        .results()
        .map(
            found ->
                new Method(
                    found.group(1),
                    found.group(2) == null ? List.of() : arguments(found.group(2)),
                    found.group(3)))
        .toList();
  }

  /** The archive that the engine loads; {@code torch.jit.load} reads it too. */
  public byte[] archive() {
    return ScriptArchive.assemble(
        className(), source, libraries, dictAttributes().toArray(String[]::new));
  }

  /**
   * The same script with PyTorch's own linear layer wherever it names oneDNN's, which not every
   * build of libtorch has (those for macOS do not). Same results up to rounding; as it is if it
   * names none.
   */
  public Script withoutOneDnn() {
    Map<String, String> plain = new TreeMap<>(libraries);
    plain.replaceAll((name, library) -> withoutOneDnn(library));
    return new Script(file, withoutOneDnn(source), plain);
  }

  private static String withoutOneDnn(String text) {
    return ONE_DNN.matcher(text).replaceAll("torch.linear($1, $2, $3)");
  }

  /** Splits {@code a: int, b: Dict[int, Tensor]} at the commas outside brackets. */
  private static List<Typed> arguments(String text) {
    List<Typed> out = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      char c = i == text.length() ? ',' : text.charAt(i);
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      if (c == ',' && depth == 0) {
        String[] parts = text.substring(start, i).strip().split(": ", 2);
        out.add(new Typed(parts[0], parts[1]));
        start = i + 1;
      }
    }
    return out;
  }

  private static List<String> files(URL folder) throws IOException {
    if (folder.openConnection() instanceof JarURLConnection connection) {
      connection.setUseCaches(false);
      try (JarFile jar = connection.getJarFile()) {
        return jar.stream()
            .map(entry -> entry.getName())
            .filter(name -> name.startsWith(FOLDER + "/") && name.endsWith(".py"))
            .map(name -> name.substring(FOLDER.length() + 1))
            .toList();
      }
    }
    try (Stream<Path> files = Files.list(Path.of(URI.create(folder.toString())))) {
      return files
          .map(path -> String.valueOf(path.getFileName()))
          .filter(name -> name.endsWith(".py"))
          .toList();
    }
  }
}
