package vidfold.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.server.engine.Answer;
import vidfold.server.engine.Question;
import vidfold.server.video.Store;
import vidfold.server.video.StoreException;
import vidfold.server.video.VideoRecord;

class SessionsTest {
  @TempDir private Path folder;

  @Test
  void shouldGoOnAfterARestartWithEveryFieldOfEveryTurn() {
    SessionRecord session;
    try (Store store = Store.open(folder)) {
      Sessions sessions = new Sessions(store.database);
      session = sessions.create("default", store.upload("default", Store.noise(1, 10)).id());
      assertThat(session.id()).startsWith("ses_");
      assertThat(sessions.append("default", session.id(), "Wer?", answer("1", 5, 6)).turn())
          .isZero();
      sessions.append("default", session.id(), "Und \ud83d\udc36?", answer("2"));
    }
    try (Store store = Store.open(folder)) {
      Sessions sessions = new Sessions(store.database);
      SessionRecord found = sessions.find("default", session.id()).orElseThrow();
      assertThat(found.videoId()).isEqualTo(session.videoId());
      assertThat(found.created()).isEqualTo(session.created());
      assertThat(found.lastUsed()).isAfterOrEqualTo(session.created());

      List<TurnRecord> turns = sessions.turns("default", session.id());
      assertThat(turns).extracting(TurnRecord::turn).containsExactly(0, 1);
      assertThat(turns)
          .extracting(TurnRecord::question)
          .containsExactly("Wer?", "Und \ud83d\udc36?");
      assertThat(turns)
          .extracting(TurnRecord::answer)
          .containsExactly(answer("1", 5, 6), answer("2"));
      assertThat(sessions.history("default", session.id(), "sha256:00"))
          .containsExactly(
              new Question.Turn("Wer?", answer("1").answer(), List.of(5, 6)),
              new Question.Turn("Und \ud83d\udc36?", answer("2").answer(), List.of()));
      assertThat(sessions.history("default", session.id(), "sha256:another model"))
          .extracting(Question.Turn::answerTokens)
          .containsOnlyNulls();
      TurnRecord third = sessions.append("default", session.id(), "?", answer("3", 7));
      assertThat(third.turn()).isEqualTo(2);
      assertThat(sessions.turns("default", session.id())).last().isEqualTo(third);
    }
  }

  private static Answer answer(String id, Integer... tokens) {
    return new Answer(
        "ans_" + id,
        "vid_1",
        "rot \"und\" grün\n",
        "stop",
        new Answer.Usage(10, 8, 2, new Answer.VisualTokens(100, 50)),
        new Answer.Receipt(
            "tiny",
            "sha256:00",
            "var_1",
            "sttm",
            "reference",
            new Answer.RetentionReceipt(0.5, null, 0.51, 0.8, null),
            2,
            null,
            List.of(0.0, 0.1 + 0.2),
            new Answer.CacheReceipt(true, "device"),
            new Answer.StageMillis(1, 2, 3, 4, 5, 6, 7, 8, 9),
            Long.MAX_VALUE,
            List.of("odd")),
        List.of(new Answer.TokenLogprob("rot", -0.25, List.of(new Answer.TopToken("blau", -1.5)))),
        List.of(tokens));
  }

  @Test
  void shouldEndWithItsVideo() {
    try (Store store = Store.open(folder)) {
      Sessions sessions = new Sessions(store.database);
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      VideoRecord other = store.upload("default", Store.noise(2, 10));
      SessionRecord gone = sessions.create("default", video.id());
      SessionRecord kept = sessions.create("default", other.id());
      sessions.append("default", gone.id(), "?", answer("1"));
      store.library.delete("default", video.id());

      assertThat(sessions.find("default", gone.id())).isEmpty();
      assertThat(sessions.turns("default", gone.id())).isEmpty();
      assertThat(sessions.find("default", kept.id())).contains(kept);
      int turns =
          store
              .database
              .jdbi()
              .withHandle(
                  handle ->
                      handle.createQuery("SELECT COUNT(*) FROM turns").mapTo(Integer.class).one());
      assertThat(turns).isZero();
    }
  }

  @Test
  void shouldDeleteASessionOnce() {
    try (Store store = Store.open(folder)) {
      Sessions sessions = new Sessions(store.database);
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      SessionRecord session = sessions.create("default", video.id());
      assertThat(sessions.delete("other", session.id())).isFalse();
      assertThat(sessions.delete("default", session.id())).isTrue();
      assertThat(sessions.delete("default", session.id())).isFalse();
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> sessions.append("default", session.id(), "?", answer("1")))
          .extracting(StoreException::kind)
          .isEqualTo(StoreException.Kind.NO_SUCH_SESSION);
    }
  }

  @Test
  void shouldKeepTenantsApart() {
    try (Store store = Store.open(folder)) {
      Sessions sessions = new Sessions(store.database);
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      SessionRecord session = sessions.create("default", video.id());
      sessions.append("default", session.id(), "?", answer("1"));
      assertThat(sessions.find("other", session.id())).isEmpty();
      assertThat(sessions.turns("other", session.id())).isEmpty();
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> sessions.append("other", session.id(), "?", answer("1")));
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> sessions.create("other", video.id()))
          .extracting(StoreException::kind)
          .isEqualTo(StoreException.Kind.NO_SUCH_VIDEO);
      assertThat(sessions.turns("default", session.id())).hasSize(1);
    }
  }

  @Test
  void shouldNumberTurnsThatComeAtOnceWithoutGaps() throws Exception {
    try (Store store = Store.open(folder)) {
      Sessions sessions = new Sessions(store.database);
      VideoRecord video = store.upload("default", Store.noise(1, 10));
      SessionRecord session = sessions.create("default", video.id());
      ExecutorService threads = Executors.newFixedThreadPool(6);
      try {
        List<Future<TurnRecord>> appended = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
          String question = "question " + i;
          appended.add(
              threads.submit(
                  () -> sessions.append("default", session.id(), question, answer("1"))));
        }
        List<Integer> numbers = new ArrayList<>();
        for (Future<TurnRecord> turn : appended) {
          numbers.add(turn.get(60, TimeUnit.SECONDS).turn());
        }
        assertThat(numbers).doesNotHaveDuplicates().hasSize(24);
        assertThat(sessions.turns("default", session.id()))
            .extracting(TurnRecord::turn)
            .containsExactlyInAnyOrderElementsOf(numbers)
            .isSorted()
            .endsWith(23);
      } finally {
        threads.shutdownNow();
      }
    }
  }
}
