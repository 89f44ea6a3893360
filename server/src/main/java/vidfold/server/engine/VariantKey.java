package vidfold.server.engine;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import vidfold.merging.MergeSpec;
import vidfold.model.ModelInfo;
import vidfold.model.SamplingRule;

/**
 * Names one KV prefix: the SHA-256 over everything that its content depends on, and the tenant.
 *
 * <p>Every field is hashed with its name and its length in front, so no two lists of fields run
 * into the same bytes. Two keys are equal only when all 256 bits are.
 *
 * @param hash 64 hex digits
 * @param visualTokens 64 hex digits that name the visual tokens the prefix is built from, which are
 *     the same for every way of merging, but for those that go by saliency
 */
record VariantKey(String hash, String visualTokens) {
  private static final int FORMAT = 2;
  private static final String DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
  private static final int ID_DIGITS = 26;

  /**
   * The key of a video's prefix.
   *
   * @param sha256 of the video's bytes
   */
  static VariantKey of(ModelInfo model, String tenant, String sha256, Question.Options options) {
    String visual = visualTokens(model, tenant, sha256, options);
    Fields fields = new Fields();
    fields.add("visual", visual);
    MergeSpec merge = options.prefix().merge();
    fields.add("reducer", merge.reducer());
    fields.add("mode", merge.mode());
    fields.add("retention", String.valueOf(merge.retention()));
    MergeSpec.Thresholds thresholds = merge.thresholds();
    fields.add("spatial", thresholds == null ? "null" : thresholds.spatial());
    fields.add("temporal", thresholds == null ? "null" : thresholds.temporal());
    fields.add("root_level", merge.tree().rootLevel());
    fields.add("weighted_average", merge.tree().weightedAverage());
    fields.add("head_dim", merge.tree().headDim());
    fields.add("merge_layer", options.prefix().mergeLayer());
    return new VariantKey(fields.hash(), visual);
  }

  private static String visualTokens(
      ModelInfo model, String tenant, String sha256, Question.Options options) {
    SamplingRule frames = options.frames();
    Fields fields = new Fields();
    fields.add("format", FORMAT);
    fields.add("tenant", tenant);
    fields.add("model", model.digest());
    fields.add("dtype", model.dtype());
    fields.add("weights", model.weights());
    fields.add("video", sha256);
    fields.add("fps", frames.fps());
    fields.add("min_frames", frames.minFrames());
    fields.add("max_frames", frames.maxFrames());
    fields.add("even_count", frames.evenCount());
    fields.add("saliency", options.prefix().merge().readsSaliency());
    return fields.hash();
  }

  /** The key as clients see it: {@code var_} and the first 130 bits in base 32. */
  String id() {
    byte[] bytes = HexFormat.of().parseHex(hash);
    StringBuilder id = new StringBuilder("var_");
    int bits = 0;
    int held = 0;
    for (int at = 0; id.length() < "var_".length() + ID_DIGITS; ) {
      if (held < 5) {
        bits = (bits << 8 | (bytes[at++] & 0xff)) & 0xffff;
        held += 8;
      }
      held -= 5;
      id.append(DIGITS.charAt(bits >>> held & 31));
    }
    return id.toString();
  }

  /** Hashes named fields. */
  private static final class Fields {
    private final MessageDigest sha256;

    Fields() {
      try {
        sha256 = MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError("every Java has SHA-256", e);
      }
    }

    void add(String name, Object value) {
      addBytes(name);
      addBytes(value.toString());
    }

    private void addBytes(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
      sha256.update(bytes);
    }

    String hash() {
      return HexFormat.of().formatHex(sha256.digest());
    }
  }
}
