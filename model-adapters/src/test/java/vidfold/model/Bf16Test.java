package vidfold.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import vidfold.merging.MergeSpec;
import vidfold.torch.Torch;
import vidfold.torch.TorchConfig;

/** The whole path in bf16, which is what GPUs and newer CPUs run, against f32. */
class Bf16Test {

  @ParameterizedTest
  @CsvSource({"qwen2vl, none", "qwen2vl, sttm", "llava, none", "llava, sttm"})
  void shouldBeNearTheLogitsOfF32(String family, String reducer) {
    MergeSpec merge =
        reducer.equals("none")
            ? MergeSpec.none()
            : new MergeSpec("sttm", "strict", null, new MergeSpec.Thresholds(-1, 2));
    Path folder = Path.of("src/test/resources/oracle", family, "checkpoint");
    float[] exact = logits(folder, merge, "f32");
    float[] rounded = logits(folder, merge, "bf16");
    double distance = 0;
    double norm = 0;
    for (int i = 0; i < exact.length; i++) {
      distance += Math.pow(rounded[i] - exact[i], 2);
      norm += Math.pow(exact[i], 2);
    }
    assertThat(Math.sqrt(distance / norm)).as("relative error").isLessThan(0.05);
    assertThat(distance).as("bf16 rounds").isPositive();
  }

  private static float[] logits(Path folder, MergeSpec merge, String dtype) {
    try (Torch torch = Torch.start(new TorchConfig("cpu", dtype, 0));
        VideoLlm model = VideoLlms.open(folder, torch);
        EncodedVideo video = encode(model);
        PrefixBuild build = model.startPrefix(video, new PrefixSpec(merge, 1))) {
      while (!build.advance()) {}
      int[] question = model.questionTokens("What is it?");
      try (KvPrefix prefix = build.finish();
          OwnKv sequence = (OwnKv) model.open(prefix, SamplingParams.greedy(), question.length)) {
        model.prefill(sequence, question);
        return sequence.logits().toFloats();
      }
    }
  }

  private static EncodedVideo encode(VideoLlm model) {
    try (VideoEncoding encoding = model.startEncoding(frames(model))) {
      while (!encoding.advance()) {}
      return encoding.finish();
    }
  }

  private static VideoFrames frames(VideoLlm model) {
    FrameSize size = model.frameSize(4, 48, 48);
    List<ByteBuffer> rgb = new ArrayList<>();
    for (int f = 0; f < 4; f++) {
      ByteBuffer frame = ByteBuffer.allocateDirect(size.width() * size.height() * 3);
      for (int i = 0; i < frame.capacity(); i++) {
        frame.put(i, (byte) (i * 31 + f * (i % 7) * 20));
      }
      rgb.add(frame);
    }
    return new VideoFrames(rgb, size.width(), size.height(), List.of(0.0, 0.5, 1.0, 1.5));
  }
}
