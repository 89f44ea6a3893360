package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.video.TestClips;

/** The command on the embedded model and clips of a real encoder. */
class AskTest {
  private static final String CLIP = TestClips.shared().h264Mp4().toString();
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void shouldAnswerEachQuestionOnALineAndReuseThePrefix() throws IOException {
    Typed typed =
        Typed.runWithModel(
            "ask", CLIP, "What color is it?", "How many?", "--json", "--max-tokens", "4");

    assertThat(typed.err()).contains("prefix built", "prefix from the cache");
    assertThat(typed.code()).isZero();
    assertThat(typed.outLines()).hasSize(2);
    JsonNode first = JSON.readTree(typed.outLines().get(0));
    JsonNode second = JSON.readTree(typed.outLines().get(1));
    assertThat(first.at("/receipt/cache/hit").asBoolean()).isFalse();
    assertThat(second.at("/receipt/cache/hit").asBoolean()).isTrue();
    assertThat(second.at("/receipt/ms/vision").asDouble()).isZero();
    assertThat(second.get("video")).isEqualTo(first.get("video"));
    assertThat(first.fieldNames())
        .toIterable()
        .containsExactly("id", "video", "answer", "finish_reason", "usage", "receipt");
  }

  @Test
  void shouldTakeAFolderOfPicturesOneASecond() throws IOException {
    for (int i = 0; i < 3; i++) {
      BufferedImage picture = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
      picture.setRGB(20 * i, 20, 0xffffff);
      ImageIO.write(picture, "png", folder.resolve(i + ".png").toFile());
    }
    Files.writeString(folder.resolve("notes.txt"), "no picture");

    Typed typed = Typed.runWithModel("ask", folder.toString(), "What?", "--json");

    assertThat(typed.code()).as(typed.err()).isZero();
    JsonNode frames = JSON.readTree(typed.out()).at("/receipt/frames");
    assertThat(frames).isNotEmpty();
    assertThat(frames.toString()).startsWith("[0.0,1.0,2.0");
  }

  @Test
  void shouldPrintTheSameTextWithoutJson() throws IOException {
    Typed plain = Typed.runWithModel("ask", CLIP, "What color is it?");
    Typed json = Typed.runWithModel("ask", CLIP, "What color is it?", "--json");
    assertThat(plain.outLines())
        .containsExactly(JSON.readTree(json.out()).get("answer").asText().strip());
  }

  @Test
  void shouldPassItsFlagsOn() throws IOException {
    Typed typed =
        Typed.runWithModel(
            "ask",
            CLIP,
            "What?",
            "--json",
            "--retention",
            "0.25",
            "--reducer",
            "temporal",
            "--mode",
            "strict",
            "--merge-layer",
            "1",
            "--max-frames",
            "4",
            "--seed",
            "7",
            "--logprobs",
            "2",
            "--max-tokens",
            "1",
            "--temperature",
            "0.5",
            "--top-k",
            "3");

    assertThat(typed.code()).as(typed.err()).isZero();
    JsonNode answer = JSON.readTree(typed.out());
    JsonNode receipt = answer.get("receipt");
    assertThat(receipt.at("/retention/asked").asDouble()).isEqualTo(0.25);
    assertThat(receipt.get("reducer").asText()).isEqualTo("temporal");
    assertThat(receipt.get("mode").asText()).isEqualTo("strict");
    assertThat(receipt.get("merge_layer").asInt()).isEqualTo(1);
    assertThat(receipt.get("frames")).hasSize(4);
    assertThat(receipt.get("seed").asLong()).isEqualTo(7);
    assertThat(answer.at("/logprobs/0/top")).hasSize(2);
  }

  @Test
  void shouldSayWhatIsWrongWithAFile() throws IOException {
    Path text = Files.writeString(folder.resolve("text.mp4"), "no video at all");
    Typed typed = Typed.runWithModel("ask", text.toString(), "What?");
    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.out()).isEmpty();
    assertThat(typed.err()).contains("is not a video").doesNotContain("\tat ");
  }

  @Test
  void shouldRefuseAFileThatIsNotThere() {
    Typed typed = Typed.runWithModel("ask", "missing.mp4", "What?");
    assertThat(typed.code()).isEqualTo(2);
    assertThat(typed.err())
        .contains(
            "expected a readable video file, or a folder of pictures, but found 'missing.mp4'");
  }

  @Test
  void shouldNameTheDefectOfAModel() {
    Typed typed = Typed.run(java.util.Map.of(), "ask", CLIP, "What?", "--model", folder.toString());
    assertThat(typed.code()).isEqualTo(1);
    assertThat(typed.err()).contains("config.json");
  }

  @Test
  void shouldLeaveNothingBehind() throws IOException {
    assertThat(Typed.runWithModel("ask", CLIP, "What?").code()).isZero();
    try (Stream<Path> left = Files.list(Path.of("target", "ffmpeg-cache"))) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .noneMatch(name -> name.startsWith("run-"));
    }
  }
}
