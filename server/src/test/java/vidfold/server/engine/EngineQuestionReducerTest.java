package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static vidfold.server.engine.EngineFixture.narrow;
import static vidfold.server.engine.EngineFixture.question;
import static vidfold.server.engine.EngineFixture.turn;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import vidfold.server.engine.Question.Turn;

/** Questions that see less of the video than their prefix holds. */
class EngineQuestionReducerTest {

  @Test
  void shouldShareThePrefixAndSayWhatWasSeen() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Answer plain = fixture.answer(question("vid_a", "what is there?"));
      Answer narrow = fixture.answer(question("vid_a", "what is there?", narrow("fastv")));
      Answer again = fixture.answer(question("vid_a", "what is there?"));

      assertThat(fixture.llm.buildsStarted).hasValue(1);
      assertThat(narrow.receipt().cache().hit()).isTrue();
      assertThat(narrow.receipt().variant()).isEqualTo(plain.receipt().variant());
      int after = plain.usage().visualTokens().after();
      assertThat(narrow.receipt().questionReducer())
          .isEqualTo(
              new Answer.QuestionReducerReceipt(
                  "fastv", 0.5, 3, new Answer.VisualTokens(after, (after + 1) / 2)));
      assertThat(narrow.usage().visualTokens()).isEqualTo(plain.usage().visualTokens());
      assertThat(narrow.tokens()).isNotEqualTo(plain.tokens());
      assertThat(again.tokens()).isEqualTo(plain.tokens());
      assertThat(plain.receipt().questionReducer()).isNull();
      fixture.checkIntegrity();
      assertThat(fixture.llm.liveDecodings).hasValue(0);
    }
  }

  /**
   * Its KV was made with less in sight, so neither goes it on from other turns nor they from it.
   */
  @Test
  void shouldKeepAReducedTurnApartFromItsSession() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Answer first = fixture.answer(turn("vid_a", "what is there?", List.of(), "ses_1"));
      List<Turn> history = List.of(new Turn("what is there?", first.answer(), first.tokens()));
      Question second =
          new Question(EngineFixture.TENANT, "vid_a", "where?", history, "ses_1", narrow("dycoke"));
      Answer reduced = fixture.answer(second);
      assertThat(reduced.usage().cachedTokens()).isEqualTo(FakeVideoLlm.PROMPT_TOKENS);
      assertThat(fixture.engine.status().conversations()).isOne();

      List<Turn> both =
          List.of(history.get(0), new Turn("where?", reduced.answer(), reduced.tokens()));
      Answer third = fixture.answer(turn("vid_a", "and then?", both, "ses_1"));
      assertThat(third.usage().cachedTokens())
          .as("it goes on from the first turn")
          .isGreaterThanOrEqualTo(FakeVideoLlm.PROMPT_TOKENS + "what is there?".length());
      Answer alone = fixture.answer(turn("vid_a", "and then?", both, null));
      assertThat(third.tokens()).isEqualTo(alone.tokens());
    }
  }

  /**
   * With less memory than question and answer take together with the copied rows, it is refused.
   */
  @Test
  void shouldCountTheMemoryOfWhatAQuestionCopies() throws Exception {
    long own = ("what is there?".length() + 24) * FakeVideoLlm.KV_BYTES;
    EngineConfig tight =
        new EngineConfig(64, 4, 2, 8L << 20, 1L << 20, 1L << 20, own, 256, Duration.ofSeconds(20));
    try (EngineFixture fixture = new EngineFixture(new FakeVideoLlm(), tight)) {
      assertThat(fixture.answer(question("vid_a", "what is there?")).answer()).isNotNull();
      assertThat(fixture.answer(question("vid_a", "what is there?", narrow("dycoke"))).answer())
          .isNotNull();
      assertThat(fixture.ask(question("vid_a", "what is there?", narrow("fastv"))).failure())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("bytes of KV but " + own + " are allowed");
    }
  }
}
