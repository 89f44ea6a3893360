package vidfold.server.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static vidfold.server.engine.EngineFixture.turn;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import vidfold.server.engine.Question.Turn;

class EngineSessionTest {
  private static final List<String> QUESTIONS =
      List.of("what is there?", "where is it?", "which came first?", "and then?");

  @Test
  void shouldPrefillOnlyWhatIsNew() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      Answer first = fixture.answer(turn("vid_a", "what is there?", List.of(), "ses_1"));
      int before = fixture.llm.prefilledTokens.get();
      List<Turn> history = List.of(new Turn("what is there?", first.answer(), first.tokens()));
      Answer second = fixture.answer(turn("vid_a", "where?", history, "ses_1"));
      int ownNew = "where?".length() + 2;
      assertThat(fixture.llm.prefilledTokens.get() - before).isBetween(ownNew, ownNew + 1);
      assertThat(second.usage().cachedTokens())
          .isGreaterThanOrEqualTo(
              FakeVideoLlm.PROMPT_TOKENS + "what is there?".length() + first.tokens().size() - 1);
      EngineFixture.await(() -> fixture.engine.status().conversations() == 1);
    }
  }

  @Test
  void shouldAnswerTheSameFromARebuiltConversation() throws Exception {
    List<Answer> kept;
    List<Answer> rebuilt;
    try (EngineFixture fixture = new EngineFixture()) {
      kept = converse(fixture, "ses_1");
    }
    EngineConfig forgetful =
        new EngineConfig(64, 4, 2, 8 << 20, 1 << 20, 0, 1 << 20, 256, Duration.ofSeconds(20));
    try (EngineFixture fixture = new EngineFixture(new FakeVideoLlm(), forgetful)) {
      rebuilt = converse(fixture, "ses_1");
      EngineFixture.await(() -> fixture.engine.status().conversations() == 0);
    }
    for (int i = 0; i < QUESTIONS.size(); i++) {
      assertThat(rebuilt.get(i).tokens()).isEqualTo(kept.get(i).tokens());
    }
  }

  @Test
  void shouldRebuildWhenTheHistoryIsAnotherThanTheOneKept() throws Exception {
    try (EngineFixture fixture = new EngineFixture()) {
      fixture.answer(turn("vid_a", "what is there?", List.of(), "ses_1"));
      List<Turn> other = List.of(new Turn("what is there?", "something else", null));
      Answer told = fixture.answer(turn("vid_a", "where?", other, "ses_1"));
      Answer plain = fixture.answer(turn("vid_a", "where?", other, null));
      assertThat(told.tokens()).isEqualTo(plain.tokens());
      assertThat(told.usage().cachedTokens()).isEqualTo(FakeVideoLlm.PROMPT_TOKENS);
    }
  }

  @Test
  void shouldDropConversationsWithTheirPrefix() throws Exception {
    try (EngineFixture fixture =
        new EngineFixture(new FakeVideoLlm(), EngineFixture.cacheOf(1 << 20))) {
      Answer first = fixture.answer(turn("vid_a", "what is there?", List.of(), "ses_1"));
      fixture.answer(turn("vid_b", "what is there?", List.of(), "ses_2"));
      fixture.checkIntegrity();
      assertThat(fixture.llm.livePrefixes).hasValue(1);
      EngineFixture.await(() -> fixture.engine.status().conversations() == 1);
      List<Turn> history = List.of(new Turn("what is there?", first.answer(), first.tokens()));
      assertThat(fixture.answer(turn("vid_a", "where?", history, "ses_1")).answer()).isNotNull();
    }
  }

  private static List<Answer> converse(EngineFixture fixture, String session)
      throws InterruptedException {
    List<Turn> history = new ArrayList<>();
    List<Answer> answers = new ArrayList<>();
    for (String question : QUESTIONS) {
      Answer answer = fixture.answer(turn("vid_a", question, history, session));
      answers.add(answer);
      history.add(new Turn(question, answer.answer(), answer.tokens()));
    }
    return answers;
  }
}
