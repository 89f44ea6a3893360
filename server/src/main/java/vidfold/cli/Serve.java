package vidfold.cli;

import ch.qos.logback.classic.Level;
import java.util.Map;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import vidfold.model.ModelInfo;
import vidfold.server.config.ServerConfig;

/** {@code vidfold serve}: the server, until SIGTERM or Ctrl-C; it then drains and exits with 0. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Serve the REST API until told to stop.")
final class Serve implements Callable<Integer> {
  private static final Logger log = LoggerFactory.getLogger(Serve.class);

  private final Map<String, String> environment;

  @Spec private CommandSpec spec;

  Serve(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws InterruptedException {
    long start = System.nanoTime();
    ServerConfig config = ConfigFlags.config(spec, environment);
    speakUp();
    try (StopSignal stop = new StopSignal();
        ServerAssembly server = ServerAssembly.open(config)) {
      int port = server.listen(config.http());
      announce(config, server.model(), port, start);
      stop.await();
      log.info("stopping: running requests may end, new ones are refused");
    }
    return 0;
  }

  private static void announce(ServerConfig config, ModelInfo model, int port, long start) {
    log.info(
        "model {} on {} in {}, {} weights, {}",
        model.name(),
        model.device(),
        model.dtype(),
        model.weights(),
        model.digest());
    log.info("data in {}", config.video().dataFolder().toAbsolutePath());
    log.info(
        "vidfold {} is ready on http://{}:{} after {} s",
        Version.current(),
        config.http().host(),
        port,
        "%.1f".formatted((System.nanoTime() - start) / 1e9));
  }

  /** Commands log warnings only; a server also what it does. */
  private static void speakUp() {
    Logger ours = LoggerFactory.getLogger("vidfold");
    if (ours instanceof ch.qos.logback.classic.Logger logger && logger.getLevel() == null) {
      logger.setLevel(Level.INFO);
    }
  }
}
