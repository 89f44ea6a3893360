package vidfold.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import vidfold.server.engine.Answer;
import vidfold.server.engine.AnswerListener;
import vidfold.server.engine.Question;
import vidfold.server.video.Upload;
import vidfold.server.video.VideoLibrary;
import vidfold.video.PictureClip;

/** One video in a server of this process, and questions about it that wait for their answers. */
final class OneVideo {
  private static final String TENANT = "default";
  private static final int PIECE = 1 << 20;
  private static final Pattern NUMBER = Pattern.compile("[0-9]+");
  private static final int DIGITS = 20;

  private final ServerAssembly server;
  private final String id;

  private OneVideo(ServerAssembly server, String id) {
    this.server = server;
    this.id = id;
  }

  /** Stores a file as an upload would, or the {@link #pictures} of a folder, one a second. */
  static OneVideo store(ServerAssembly server, Path file) throws IOException {
    VideoLibrary library = server.library();
    if (Files.isDirectory(file)) {
      return storePictures(server, file);
    }
    try (FileChannel channel = FileChannel.open(file)) {
      Upload upload = library.begin(TENANT, String.valueOf(file.getFileName()), channel.size());
      ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
      while (channel.read(piece) >= 0) {
        upload.write(piece.flip()).join();
        piece.clear();
      }
      return new OneVideo(server, upload.finish().join().id());
    }
  }

  private static OneVideo storePictures(ServerAssembly server, Path folder) throws IOException {
    Upload upload = server.library().begin(TENANT, String.valueOf(folder.getFileName()), -1);
    PictureClip clip = new PictureClip();
    upload.write(clip.start()).join();
    List<Double> times = new ArrayList<>();
    for (Path picture : pictures(folder)) {
      times.add((double) times.size());
      upload.write(clip.add(Files.readAllBytes(picture))).join();
    }
    upload.write(clip.end(times)).join();
    return new OneVideo(server, upload.finish().join().id());
  }

  /** The pictures in a folder by name, numbers in it by their value: 2.jpg before 10.jpg. */
  static List<Path> pictures(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> pictures =
          files
              .filter(file -> file.toString().toLowerCase(Locale.ROOT).matches(".*\\.(jpe?g|png)"))
              .sorted(
                  Comparator.comparing(OneVideo::withEqualNumbers)
                      .thenComparing(Comparator.naturalOrder()))
              .toList();
      if (pictures.isEmpty()) {
        throw new IllegalArgumentException("there is no .jpg or .png file in " + folder);
      }
      return pictures;
    }
  }

  /** The name with zeros in front of its numbers, so that they are all of one length. */
  private static String withEqualNumbers(Path file) {
    return NUMBER
        .matcher(String.valueOf(file.getFileName()))
        .replaceAll(
            number -> "0".repeat(Math.max(0, DIGITS - number.group().length())) + number.group());
  }

  /**
   * Asks one question; waits for the answer.
   *
   * @throws java.util.concurrent.CompletionException with the reason when there is no answer
   */
  Answer ask(String question, Question.Options options) {
    CompletableFuture<Answer> answer = new CompletableFuture<>();
    server
        .engine()
        .ask(
            new Question(TENANT, id, question, List.of(), null, options),
            new AnswerListener() {
              @Override
              public void onText(String piece) {}

              @Override
              public void onDone(Answer done) {
                answer.complete(done);
              }

              @Override
              public void onFailed(Throwable cause) {
                answer.completeExceptionally(cause);
              }
            });
    return answer.join();
  }

  /** Drops what is cached of the video. */
  void forget() {
    server.engine().forget(TENANT, id);
  }
}
