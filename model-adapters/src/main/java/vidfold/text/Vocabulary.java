package vidfold.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import vidfold.checkpoint.ConfigNode;

/**
 * The tokens of a byte-level BPE {@code tokenizer.json} and the bytes that each stands for. In such
 * a vocabulary every byte is written as one printable character: itself where it is one in Latin-1,
 * else the next free one from U+0100 on (Radford et al. 2019, section 2.2).
 */
final class Vocabulary {

  private static final int MAX_ID = 1 << 24;
  private static final byte[] NOTHING = {};
  private static final int[] BYTE_OF = byteOf();

  private final Map<String, Integer> ids = new HashMap<>();
  private final Set<String> added = new LinkedHashSet<>();
  private final Set<Integer> special = new LinkedHashSet<>();
  private final List<byte @Nullable []> bytes = new ArrayList<>();

  private Vocabulary() {}

  static Vocabulary of(ConfigNode tokenizer) {
    ConfigNode model = tokenizer.node("model");
    if (!isByteLevel(tokenizer.json().path("decoder"))) {
      throw tokenizer.unusable("decoder", "type ByteLevel (byte-level BPE)");
    }
    Vocabulary vocabulary = new Vocabulary();
    ConfigNode vocab = model.node("vocab");
    for (Map.Entry<String, JsonNode> token : vocab.json().properties()) {
      vocabulary.put(token.getKey(), checkedId(vocab, token.getKey()), decode(token.getKey()));
    }
    for (JsonNode token : tokenizer.json().path("added_tokens")) {
      vocabulary.putAdded(ConfigNode.parse(tokenizer.file(), token.toString()));
    }
    return vocabulary;
  }

  OptionalInt idOf(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** Contents of the tokens that are matched in the text before BPE, special or not. */
  Set<String> added() {
    return Collections.unmodifiableSet(added);
  }

  boolean isSpecial(int id) {
    return special.contains(id);
  }

  /** The bytes of a token; none for an id that the tokenizer does not use. */
  byte[] bytes(int id) {
    if (id < 0) {
      throw new IllegalArgumentException("token id must not be negative but was " + id);
    }
    byte[] found = id < bytes.size() ? bytes.get(id) : null;
    return found == null ? NOTHING : found;
  }

  private void putAdded(ConfigNode token) {
    String content = token.getString("content");
    int id = checkedId(token, "id");
    added.add(content);
    if (token.getBoolean("special", false)) {
      special.add(id);
    }
    put(content, id, content.getBytes(StandardCharsets.UTF_8));
  }

  private void put(String token, int id, byte[] value) {
    ids.put(token, id);
    while (bytes.size() <= id) {
      bytes.add(null);
    }
    bytes.set(id, value);
  }

  private static int checkedId(ConfigNode node, String key) {
    int id = node.getInt(key);
    if (id < 0 || id > MAX_ID) {
      throw node.unusable(key, "a token id up to " + MAX_ID);
    }
    return id;
  }

  private static boolean isByteLevel(JsonNode decoder) {
    if (decoder.path("type").asText().equals("ByteLevel")) {
      return true;
    }
    for (JsonNode step : decoder.path("decoders")) {
      if (isByteLevel(step)) {
        return true;
      }
    }
    return false;
  }

  /** The bytes of a token as written; a token outside the byte alphabet stands for itself. */
  private static byte[] decode(String token) {
    byte[] decoded = new byte[token.length()];
    for (int i = 0; i < decoded.length; i++) {
      char written = token.charAt(i);
      if (written >= BYTE_OF.length || BYTE_OF[written] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      decoded[i] = (byte) BYTE_OF[written];
    }
    return decoded;
  }

  private static int[] byteOf() {
    int[] table = new int[512];
    Arrays.fill(table, -1);
    int next = 256;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value > 32 && value < 127) || (value > 160 && value < 256 && value != 173);
      table[printable ? value : next++] = value;
    }
    return table;
  }
}
