package vidfold.server.http;

import java.util.List;
import org.jspecify.annotations.Nullable;
import vidfold.server.engine.Question;

/**
 * What the messages of a chat request come to: a question with its history, about one video.
 *
 * @param videoId the stored video, or null when the request brings a video or pictures
 * @param video whether the request brings a video
 * @param pictures how many pictures the request brings
 */
record ChatConversation(
    List<Question.Turn> history,
    String text,
    @Nullable String videoId,
    boolean video,
    int pictures) {
  ChatConversation {
    history = List.copyOf(history);
  }
}
