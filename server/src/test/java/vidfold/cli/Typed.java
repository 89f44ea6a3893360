package vidfold.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;

/** What a command line gave back. */
record Typed(int code, String out, String err) {

  /** Runs it in this process; the environment is this and nothing else. */
  static Typed run(Map<String, String> environment, String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Main.commandLine(environment);
    line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int code = line.execute(arguments);
    return new Typed(code, out.toString(), err.toString());
  }

  /** The same on the embedded model, with a class path that has no distribution around it. */
  static Typed runWithModel(String... arguments) {
    String[] all =
        Stream.concat(
                Stream.of(arguments),
                Stream.of("--model", "../deploy/models/demo/weights", "--device", "cpu"))
            .toArray(String[]::new);
    return run(Map.of("VIDFOLD_FFMPEG_CACHE", "target/ffmpeg-cache"), all);
  }

  List<String> outLines() {
    return out.lines().toList();
  }
}
