package vidfold.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import vidfold.video.TestClips;

/** The command as operators run it: a process of its own that is told to stop. */
class ServeTest {
  private static final Pattern READY = Pattern.compile("is ready on (http://\\S+)");

  @TempDir Path data;

  @Test
  void shouldServeStopOnSigtermAndGoOnWhereItWas() throws Exception {
    String video;
    try (Server first = Server.start(data)) {
      EvalClient client = new EvalClient(first.address);
      video = client.upload(TestClips.shared().h264Mp4());
      assertThat(client.ask(video, "What is it?", Map.of("max_tokens", 3)).tokensBefore())
          .isPositive();

      Typed second = Typed.runWithModel("serve", "--data", data.toString(), "--port", "0");
      assertThat(second.code()).isEqualTo(1);
      assertThat(second.err())
          .contains("the data folder " + data + " is used by another vidfold server");

      assertThat(first.stop()).isZero();
      assertThat(first.rest()).anyMatch(line -> line.contains("stopping"));
    }
    try (Server again = Server.start(data)) {
      assertThat(get(again.address.resolve("/v1/videos/" + video))).isEqualTo(200);
      assertThat(again.stop()).isZero();
    }
  }

  @Test
  void shouldNameAPortThatIsTaken() throws Exception {
    try (Server first = Server.start(data)) {
      Typed second =
          Typed.runWithModel(
              "serve",
              "--data",
              data.resolveSibling("other").toString(),
              "--port",
              String.valueOf(first.address.getPort()));
      assertThat(second.code()).isEqualTo(1);
      assertThat(second.err()).contains(String.valueOf(first.address.getPort()));
    }
  }

  private static int get(URI address) throws Exception {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  /** A server process. */
  private static final class Server implements AutoCloseable {
    private final Process process;
    private final BufferedReader log;
    private final URI address;

    private Server(Process process, BufferedReader log, URI address) {
      this.process = process;
      this.log = log;
      this.address = address;
    }

    static Server start(Path data) throws IOException {
      ProcessBuilder builder =
          new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-cp",
              System.getProperty("java.class.path"),
              "-Dai.djl.offline=true",
              "vidfold.cli.Main",
              "serve",
              "--model=../deploy/models/demo/weights",
              "--device=cpu",
              "--port=0",
              "--data=" + data,
              "--set",
              "ffmpeg.cache=target/ffmpeg-cache");
      Process process = builder.redirectErrorStream(true).start();
      BufferedReader log = process.inputReader();
      List<String> lines = new ArrayList<>();
      for (String line = log.readLine(); line != null; line = log.readLine()) {
        lines.add(line);
        Matcher ready = READY.matcher(line);
        if (ready.find()) {
          return new Server(process, log, URI.create(ready.group(1)));
        }
      }
      throw new AssertionError("the server did not start: " + lines);
    }

    int stop() throws InterruptedException {
      process.toHandle().destroy(); // Process.destroy would close the log, too
      return process.waitFor();
    }

    List<String> rest() {
      return log.lines().toList();
    }

    @Override
    public void close() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }
  }
}
