package vidfold.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.checkpoint.Checkpoint;
import vidfold.checkpoint.CheckpointException;

class TokenizerTest {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen2vl");
  private static final Path CHECKPOINT = ORACLE.resolve("checkpoint");
  private static final int FIRST_SPECIAL = 586;
  private static final int TOKENS = 600;

  private static Tokenizer tokenizer;
  private static JsonNode cases;

  @TempDir Path folder;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = Tokenizer.open(CHECKPOINT);
    cases = new ObjectMapper().readTree(ORACLE.resolve("cases/tokenizer.json").toFile());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void shouldEncodeLikeTheReference() {
    assertThat(cases.path("strings").size()).isGreaterThan(60);
    for (JsonNode string : cases.path("strings")) {
      String text = string.path("text").textValue();
      assertThat(tokenizer.encodeTemplate(text)).as(text).containsExactly(ints(string, "ids"));
      assertThat(tokenizer.encodePlain(text)).as(text).containsExactly(ints(string, "plain_ids"));
    }
  }

  @Test
  void shouldNeverRecogniseSpecialTokensOfAUser() {
    for (int id = FIRST_SPECIAL; id < TOKENS; id++) {
      String token = tokenizer.tokenText(id);
      assertThat(tokenizer.idOf(token)).hasValue(id);
      assertThat(tokenizer.encodeTemplate("a" + token + "b")).contains(id);
      int[] plain = tokenizer.encodePlain("a" + token + "b" + token);
      assertThat(IntStream.of(plain)).as(token).allMatch(found -> found < FIRST_SPECIAL);
      assertThat(tokenizer.decode(plain)).isEqualTo("a" + token + "b" + token);
    }
  }

  @Test
  void shouldSurviveLoneSurrogatesAndNul() {
    assertThat(tokenizer.decode(tokenizer.encodePlain("a\uD83Db\uDE00")))
        .isEqualTo("a\uFFFDb\uFFFD");
    assertThat(tokenizer.decode(tokenizer.encodePlain("\uD83D\uDE00\u0000!")))
        .isEqualTo("😀\u0000!");
  }

  @Test
  void shouldEncodeLongTextWhole() {
    String text = "What is moving in the video? ".repeat(20_000);
    assertThat(tokenizer.decode(tokenizer.encodePlain(text))).isEqualTo(text);
  }

  @Test
  void shouldStreamLikeTheReference() {
    for (JsonNode detokenized : cases.path("detokenize")) {
      int[] ids = ints(detokenized, "ids");
      IncrementalDecoder decoder = tokenizer.newDecoder();
      List<String> pieces = new ArrayList<>();
      for (int id : ids) {
        pieces.add(decoder.push(id));
      }
      pieces.add(decoder.finish());
      List<String> expected = new ArrayList<>();
      detokenized.path("pieces").forEach(piece -> expected.add(piece.textValue()));
      assertThat(pieces).as(detokenized.toString()).isEqualTo(expected);
      assertThat(tokenizer.decode(ids)).isEqualTo(detokenized.path("text").textValue());
    }
  }

  @Test
  void shouldStreamWhatTheReferenceDecodesForAnyTokens() throws IOException {
    Random random = new Random(11);
    try (var reference =
        ai.djl.huggingface.tokenizers.HuggingFaceTokenizer.newInstance(
            CHECKPOINT.resolve("tokenizer.json"))) {
      for (int round = 0; round < 2000; round++) {
        int bound = round % 2 == 0 ? 256 : TOKENS;
        int[] ids = random.ints(random.nextInt(24), 0, bound).toArray();
        IncrementalDecoder decoder = tokenizer.newDecoder();
        StringBuilder streamed = new StringBuilder();
        for (int id : ids) {
          String piece = decoder.push(id);
          assertWholeCharacters(piece);
          streamed.append(piece);
        }
        streamed.append(decoder.finish());
        long[] longs = IntStream.of(ids).asLongStream().toArray();
        assertThat(streamed.toString()).isEqualTo(reference.decode(longs, true));
        assertThat(streamed.toString()).isEqualTo(tokenizer.decode(ids));
      }
    }
  }

  @Test
  void shouldShowOneTokenAlone() {
    assertThat(tokenizer.tokenText(588)).isEqualTo("<|im_end|>");
    assertThat(tokenizer.tokenText(172)).isEqualTo("\uFFFD");
    assertThat(tokenizer.tokenText(220)).isEqualTo(" ");
    assertThat(tokenizer.tokenText(607)).isEmpty();
    assertThatIllegalArgumentException().isThrownBy(() -> tokenizer.tokenText(-1));
  }

  @Test
  void shouldTakeStopTokensFromTheGenerationConfigFirst() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(CHECKPOINT)) {
      StopTokens stop = StopTokens.of(checkpoint, tokenizer);
      assertThat(stop.ids()).containsExactlyInAnyOrder(588, 586);
      assertThat(stop.contains(588)).isTrue();
      assertThat(stop.contains(587)).isFalse();
    }
    Files.writeString(folder.resolve("config.json"), "{}");
    new vidfold.checkpoint.SafetensorsWriter().write(folder.resolve("model.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> StopTokens.of(checkpoint, tokenizer))
          .withMessageContaining("eos_token_id");
      Path config = folder.resolve("tokenizer_config.json");
      Files.writeString(config, "{\"eos_token\": {\"content\": \"<|im_end|>\"}}");
      assertThat(StopTokens.of(checkpoint, tokenizer).ids()).containsExactly(588);
      Files.writeString(config, "{\"eos_token\": \"</s>\"}");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> StopTokens.of(checkpoint, tokenizer))
          .withMessageContaining(
              "eos_token: expected a token of the vocabulary but found \"</s>\"");
    }
  }

  @Test
  void shouldNotTruncateOrPadAsTheFileAsks() throws IOException {
    ObjectNode json = publishedJson();
    json.putObject("truncation")
        .put("max_length", 3)
        .put("strategy", "LongestFirst")
        .put("stride", 0)
        .put("direction", "Right");
    write(json);
    try (Tokenizer truncating = Tokenizer.open(folder)) {
      assertThat(truncating.encodePlain("a b c d")).containsExactly(64, 290, 291, 292);
    }
  }

  @Test
  void shouldRefuseWhatIsNoByteLevelBpe() throws IOException {
    assertDefect("expected a file but found none");
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    assertDefect("tokenizer.json: model: expected an object but found nothing");
    ObjectNode json = publishedJson();
    json.putObject("decoder").put("type", "Metaspace");
    write(json);
    assertDefect("decoder: expected type ByteLevel");
    json = publishedJson();
    ((ObjectNode) json.path("model").path("vocab")).put("Ġa", -3);
    write(json);
    assertDefect("expected a token id up to 16777216 but found -3");
    json = publishedJson();
    json.putObject("pre_tokenizer").put("type", "Unheard");
    write(json);
    assertDefect("tokenizer.json: cannot be loaded");
  }

  @Test
  void shouldRefuseASpecialTokenThatPlainTextCanReach() throws IOException {
    ObjectNode json = publishedJson();
    ObjectNode token = (ObjectNode) ((ArrayNode) json.path("added_tokens")).get(0).deepCopy();
    token.put("id", 64).put("content", "a");
    ((ArrayNode) json.path("added_tokens")).add(token);
    write(json);
    assertDefect("a: expected plain text but the merges alone produce token 64");
  }

  private void assertDefect(String message) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Tokenizer.open(folder).close())
        .withMessageContaining(message);
  }

  private static ObjectNode publishedJson() throws IOException {
    return (ObjectNode) new ObjectMapper().readTree(CHECKPOINT.resolve("tokenizer.json").toFile());
  }

  private void write(ObjectNode json) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), json.toString());
  }

  private static void assertWholeCharacters(String piece) {
    for (int i = 0; i < piece.length(); i++) {
      if (Character.isHighSurrogate(piece.charAt(i))) {
        i++;
        assertThat(i).isLessThan(piece.length());
        assertThat(Character.isLowSurrogate(piece.charAt(i))).isTrue();
      } else {
        assertThat(Character.isLowSurrogate(piece.charAt(i))).isFalse();
      }
    }
  }

  private static int[] ints(JsonNode node, String key) {
    JsonNode list = node.path(key);
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }
}
