package vidfold.server.video;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import vidfold.video.VideoException;

class FailuresTest {

  @Test
  void shouldGiveEachReasonAStableTypeOfItsOwn() {
    assertThat(Arrays.stream(VideoException.Reason.values()).map(Failures::type))
        .doesNotHaveDuplicates()
        .allMatch(type -> type.matches("[a-z]+(-[a-z]+)*"));
    assertThat(Arrays.stream(StoreException.Kind.values()).map(Failures::type))
        .doesNotHaveDuplicates()
        .allMatch(type -> type.matches("[a-z]+(-[a-z]+)*"));
  }

  @Test
  void shouldLookThroughFuturesAndKeepTheSentence() {
    VideoRecord.Failure failure =
        Failures.of(new CompletionException(StoreException.noSuchVideo("vid_1")));
    assertThat(failure)
        .isEqualTo(new VideoRecord.Failure("no-such-video", "There is no video 'vid_1'."));
  }

  @Test
  void shouldNotTellAnyoneAboutInternalErrors() {
    VideoRecord.Failure failure = Failures.of(new IllegalStateException("/secret/path at 0x7f"));
    assertThat(failure.type()).isEqualTo("internal-error");
    assertThat(failure.detail()).doesNotContain("secret");
  }
}
