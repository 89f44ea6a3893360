package vidfold.server.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import vidfold.server.video.Upload;
import vidfold.video.PictureClip;

/**
 * The pictures of a form, or of a chat, on their way into one stored video. One picture at a time
 * is on the heap; it is written when it ends.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the last write fails with what went wrong before it
final class PictureParts {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Upload upload;
  private final PictureClip clip = new PictureClip();
  private final ByteArrayOutputStream picture = new ByteArrayOutputStream();
  private boolean inPicture;

  PictureParts(Upload upload) {
    this.upload = upload;
    upload.write(clip.start());
  }

  /** How many pictures there are. */
  int count() {
    return clip.count();
  }

  /** A picture begins. */
  void begin() {
    inPicture = true;
  }

  void append(ByteBuffer bytes) {
    if (picture.size() + bytes.remaining() > PictureClip.MAX_PICTURE_BYTES) {
      throw Problem.of(
              413,
              "too-large",
              "frames[%d] has more than the allowed %d bytes."
                  .formatted(clip.count(), PictureClip.MAX_PICTURE_BYTES))
          .asException();
    }
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    picture.writeBytes(copy);
  }

  /** The picture is over; completes when it is written. */
  CompletableFuture<Void> endPicture() {
    if (!inPicture) {
      return CompletableFuture.completedFuture(null);
    }
    inPicture = false;
    ByteBuffer bytes = clip.add(picture.toByteArray());
    picture.reset();
    return upload.write(bytes);
  }

  /**
   * There are no more pictures.
   *
   * @param times a JSON list of seconds, or an empty text for one a second
   */
  void end(String times) {
    List<Double> seconds =
        times.isBlank()
            ? IntStream.range(0, clip.count()).mapToObj(i -> (double) i).toList()
            : seconds(times);
    try {
      upload.write(clip.end(seconds));
    } catch (IllegalArgumentException e) {
      throw Problems.field(
          "times",
          "Expected a time in seconds for each frame, ascending, but "
              + String.valueOf(e.getMessage())
              + ".");
    }
  }

  private static List<Double> seconds(String text) {
    List<Double> seconds = new ArrayList<>();
    for (JsonNode time : parse(text)) {
      if (!time.isNumber()) {
        throw notAList();
      }
      seconds.add(time.asDouble());
    }
    return seconds;
  }

  private static JsonNode parse(String text) {
    try {
      JsonNode list = JSON.readTree(text);
      if (!list.isArray()) {
        throw notAList();
      }
      return list;
    } catch (JsonProcessingException e) {
      throw notAList();
    }
  }

  private static ProblemException notAList() {
    return Problems.field("times", "Expected a JSON list of seconds such as [0, 0.5, 2].");
  }
}
