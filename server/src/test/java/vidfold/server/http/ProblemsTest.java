package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import vidfold.server.engine.DeviceFullException;
import vidfold.server.engine.QueueFullException;
import vidfold.server.video.StoreException;
import vidfold.server.video.VideoRecord;

class ProblemsTest {
  @ParameterizedTest
  @EnumSource(StoreException.Kind.class)
  void shouldTellTheReasonsOfTheStore(StoreException.Kind kind) {
    Problem problem = Problems.of(new CompletionException(new StoreException(kind, "No.")), "r");

    assertThat(problem.status())
        .isEqualTo(
            switch (kind) {
              case TOO_LARGE -> 413;
              case STORAGE_FULL -> 507;
              case NO_SUCH_VIDEO, NO_SUCH_SESSION -> 404;
              case NOT_READY -> 409;
              case UNSUPPORTED_SHAPE -> 422;
            });
    assertThat(problem.detail()).isEqualTo("No.");
  }

  @ParameterizedTest
  @CsvSource({
    "too-large, 413",
    "not-a-video, 422",
    "decoding-timed-out, 422",
    "internal-error, 500"
  })
  void shouldTellWhyAVideoCannotBeUsed(String type, int status) {
    Problem problem = Problems.ofVideo(new VideoRecord.Failure(type, "Because."));

    assertThat(problem.status()).isEqualTo(status);
    assertThat(problem.type()).isEqualTo(type);
  }

  @Test
  void shouldTellWhatIsOverloadedOrStopping() {
    assertThat(Problems.of(new QueueFullException(3), "r").status()).isEqualTo(429);
  }

  @Test
  void shouldRefuseWithTheNumbersWhatTheDeviceHasNoRoomFor() {
    DeviceFullException full =
        new DeviceFullException(
            new DeviceFullException.Use(70, 1, 2, 3), new IllegalStateException("native"));
    Problem problem = Problems.of(full, "r");
    assertThat(problem.status()).isEqualTo(503);
    assertThat(problem.type()).isEqualTo("out-of-memory");
    assertThat(problem.detail()).startsWith("The device has no room for 70 bytes more");
    assertThat(problem.headers()).containsKey("Retry-After");
    assertThat(problem.members())
        .containsEntry("asked_bytes", 70L)
        .containsEntry("prefix_bytes", 1L)
        .containsEntry("conversation_bytes", 2L)
        .containsEntry("running_bytes", 3L);
    assertThat(Problems.of(new CancellationException(), "r").status()).isEqualTo(503);
    assertThat(Problems.of(new RejectedExecutionException(), "r").type()).isEqualTo("overloaded");
  }

  @Test
  void shouldNotTellWhatLibrariesSay() {
    IllegalArgumentException foreign = new IllegalArgumentException("bad /home/x at 0x7f");
    foreign.setStackTrace(
        new StackTraceElement[] {new StackTraceElement("ai.djl.Engine", "run", "Engine.java", 1)});

    for (Throwable failure :
        new Throwable[] {
          foreign, new IllegalStateException("/home/x"), new OutOfMemoryError("/x")
        }) {
      Problem problem = Problems.of(failure, "r");
      assertThat(problem.status()).isEqualTo(500);
      assertThat(problem.json("r").toString()).doesNotContain("/home").doesNotContain("0x7f");
    }
  }
}
