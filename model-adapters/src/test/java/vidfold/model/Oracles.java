package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import vidfold.checkpoint.SafetensorsFile;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.video.BicubicResize;

/** What the comparisons with Hugging Face transformers share. */
final class Oracles {

  private Oracles() {}

  static JsonNode facts(SafetensorsFile file) {
    try {
      return new ObjectMapper().readTree(file.metadata().get("case"));
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  static int[] ints(SafetensorsFile file, String name) {
    return Arrays.stream(file.find(name).toLongs()).mapToInt(Math::toIntExact).toArray();
  }

  static float[] floats(SafetensorsFile file, String name) {
    return file.find(name).toFloats();
  }

  /** The clip {@code frames [T, H, W, 3]} of a case, resized as the server resizes it. */
  static List<ByteBuffer> resized(SafetensorsFile file, FrameSize size) {
    long[] shape = file.find("frames").shape();
    ByteBuffer all = file.find("frames").map().get(0);
    int h = Math.toIntExact(shape[1]);
    int w = Math.toIntExact(shape[2]);
    BicubicResize resize = new BicubicResize(w, h, size.width(), size.height());
    List<ByteBuffer> out = new ArrayList<>();
    for (int i = 0; i < shape[0]; i++) {
      ByteBuffer frame = ByteBuffer.allocateDirect(size.width() * size.height() * 3);
      resize.resize(all.slice(i * h * w * 3, h * w * 3), frame);
      out.add(frame);
    }
    return out;
  }

  static void assertClose(float[] found, float[] expected, float tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    float worst = 0;
    for (int i = 0; i < found.length; i++) {
      worst = Math.max(worst, Math.abs(found[i] - expected[i]));
    }
    assertThat(worst).as("largest difference").isLessThanOrEqualTo(tolerance);
  }

  /** Feeds a question in chunks, decodes, and compares with the case's greedy tokens. */
  static void assertGreedyTokens(
      Torch torch, Qwen2Decoder decoder, PrefixKv prefix, Asked asked, SafetensorsFile file) {
    int[] expected = ints(file, "greedy_tokens");
    float[] logprobs = floats(file, "greedy_logprobs");
    int[] question = asked.tokens();
    int capacity = question.length + expected.length;
    int layers = decoder.config().layers();
    try (Sampler sampler = new Sampler(torch);
        OwnKv own =
            new OwnKv(
                prefix,
                decoder.newCache(0, layers, capacity),
                capacity,
                0,
                SamplingParams.greedy())) {
      for (int at = 0; at < question.length; at += asked.chunk()) {
        int to = Math.min(question.length, at + asked.chunk());
        int[] part = Arrays.copyOfRange(question, at, to);
        own.fed(part, decoder.prefillQuestion(part, own));
      }
      for (int i = 0; i < expected.length; i++) {
        TokenChoice choice = sampler.sample(own);
        assertThat(choice.token()).as("token %d", i).isEqualTo(expected[i]);
        assertThat(choice.logprob()).isCloseTo(logprobs[i], Offset.offset(1e-3f));
        int[] next = {choice.token()};
        try (Tensor logits = decoder.decode(List.of(own), next)) {
          own.fed(next, decoder.row(logits, 0));
        }
      }
    }
  }

  /** A question's tokens, fed so many at once. */
  record Asked(int[] tokens, int chunk) {}

  /** Encodes a video and builds its prefix. */
  static KvPrefix build(
      VideoPrefixBuild.Parts parts, Prompt prompt, VideoFrames frames, PrefixSpec spec) {
    try (FramesEncoding encoding =
        new FramesEncoding(
            new FramesEncoding.Parts(parts.adapter(), parts.decoder(), parts.chunk()),
            prompt,
            frames,
            false)) {
      while (!encoding.advance()) {}
      try (EncodedVideo video = encoding.finish();
          VideoPrefixBuild build =
              new VideoPrefixBuild(
                  parts, prompt.beforeVideo(), (VisualTokens) video.state(), spec)) {
        while (!build.advance()) {}
        return build.finish();
      }
    }
  }
}
