package vidfold.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks every question of a file through the REST API, once per variant, and keeps the score.
 *
 * <p>A video is uploaded once, asked in every variant, and deleted, so that the server never holds
 * more videos than are asked about at a time.
 */
final class Evaluation {

  /**
   * What is asked how.
   *
   * @param folder where the videos are
   * @param variants fields of the question body, one map a variant
   * @param multiTurn whether the questions of a video are the turns of one session
   * @param concurrency videos asked about at a time
   */
  record Plan(Path folder, List<Map<String, Object>> variants, boolean multiTurn, int concurrency) {
    Plan {
      variants = List.copyOf(variants);
      if (variants.isEmpty() || concurrency < 1) {
        throw new IllegalArgumentException(
            "an evaluation needs a variant and a concurrency of at least 1 but had %d and %d"
                .formatted(variants.size(), concurrency));
      }
    }
  }

  /** One asked question and what came of it. */
  record Asked(EvalQuestion question, int variant, EvalClient.Given given, boolean right) {}

  private final EvalClient client;
  private final Plan plan;

  Evaluation(EvalClient client, Plan plan) {
    this.client = client;
    this.plan = plan;
  }

  /**
   * Runs the evaluation.
   *
   * @param progress told of every finished video: how many of how many
   * @param answers told of every answer, by one thread at a time
   * @return one score a variant
   * @throws IOException when the server refuses a video or a question
   */
  List<EvalScore> run(
      List<EvalQuestion> questions, Consumer<String> progress, Consumer<Asked> answers)
      throws IOException, InterruptedException {
    Map<String, List<EvalQuestion>> videos = byVideo(questions);
    List<EvalScore> scores = new ArrayList<>();
    plan.variants().forEach(variant -> scores.add(new EvalScore()));
    ExecutorService pool = Executors.newFixedThreadPool(plan.concurrency());
    try {
      List<Future<List<Asked>>> running = new ArrayList<>();
      videos.forEach((video, own) -> running.add(pool.submit(asking(video, own))));
      int done = 0;
      for (Future<List<Asked>> video : running) {
        for (Asked asked : video.get()) {
          scores.get(asked.variant()).add(asked.question(), asked.right(), asked.given());
          answers.accept(asked);
        }
        done++;
        progress.accept(
            "%d of %d videos, %.1f%% right"
                .formatted(done, videos.size(), 100 * scores.get(0).accuracy()));
      }
      return scores;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw new IllegalStateException("the evaluation failed", e.getCause());
    } finally {
      pool.shutdownNow();
    }
  }

  private static Map<String, List<EvalQuestion>> byVideo(List<EvalQuestion> questions) {
    Map<String, List<EvalQuestion>> videos = new LinkedHashMap<>();
    for (EvalQuestion question : questions) {
      videos.computeIfAbsent(question.video(), v -> new ArrayList<>()).add(question);
    }
    return videos;
  }

  private Callable<List<Asked>> asking(String video, List<EvalQuestion> questions) {
    return () -> {
      Path file = plan.folder().resolve(video);
      if (!Files.isRegularFile(file)) {
        throw new IOException("the questions name " + video + " but there is no file " + file);
      }
      String id = client.upload(file);
      List<Asked> all = new ArrayList<>();
      for (int variant = 0; variant < plan.variants().size(); variant++) {
        String session = plan.multiTurn() ? client.openSession(id) : null;
        for (EvalQuestion question : questions) {
          all.add(ask(id, session, question, variant));
        }
      }
      client.delete(id);
      return all;
    };
  }

  private Asked ask(String video, @Nullable String session, EvalQuestion question, int variant)
      throws IOException, InterruptedException {
    Map<String, Object> options = plan.variants().get(variant);
    EvalClient.Given given =
        session == null
            ? client.ask(video, question.text(), options)
            : client.say(session, question.text(), options);
    return new Asked(question, variant, given, question.isRight(given.text()));
  }
}
