package vidfold.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command line. Exit codes: 0 done, 1 failed, 2 asked for in a wrong way.
 *
 * <p>A failure is one line on the standard error; its stack trace is printed with {@code
 * --verbose}.
 */
@Command(
    name = "vidfold",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Asks Video-LLMs many questions about a video that is encoded once.",
    synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Print stack traces of failures.")
  private boolean verbose;

  private Main() {}

  /** Runs a command and ends the process. */
  public static void main(String[] arguments) {
    int code = commandLine(System.getenv()).execute(arguments);
    System.exit(code);
  }

  /** The commands, for one execution, which read their configuration from this environment. */
  static CommandLine commandLine(Map<String, String> environment) {
    CommandLine commands =
        new CommandLine(new Main())
            .addSubcommand(withFlags(new Serve(environment), ConfigFlags.SERVER))
            .addSubcommand(withFlags(new Ask(environment), ConfigFlags.QUESTION))
            .addSubcommand(withFlags(new Doctor(environment), ConfigFlags.MODEL))
            .addSubcommand(new Bench())
            .addSubcommand(new Merge())
            .addSubcommand(new MergeBench())
            .addSubcommand(new ExportArchives())
            .addSubcommand(new FetchNatives(environment))
            .addSubcommand(withFlags(new Eval(environment), ConfigFlags.MODEL))
            .addSubcommand(withFlags(new ShowConfig(environment), List.of()))
            .addSubcommand(new Version());
    return commands
        .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
        .setParameterExceptionHandler(Main::misused)
        .setExecutionExceptionHandler(Main::failed);
  }

  private static CommandLine withFlags(Object command, List<ConfigFlags.Row> flags) {
    CommandLine line = new CommandLine(command);
    ConfigFlags.add(line.getCommandSpec(), flags);
    return line;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  private static int misused(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    String help = "; see '" + command.getCommandSpec().qualifiedName() + " --help'";
    print(command, failure, failure.getCause() == null ? help : "");
    return ExitCode.USAGE;
  }

  private static int failed(Exception failure, CommandLine command, ParseResult parsed) {
    print(command, failure, "");
    return ExitCode.SOFTWARE;
  }

  private static void print(CommandLine command, Throwable failure, String hint) {
    PrintWriter err = command.getErr();
    err.println("vidfold: " + message(failure) + hint);
    Main root = (Main) command.getCommandSpec().root().userObject();
    if (root.verbose) {
      failure.printStackTrace(err);
    }
    err.flush();
  }

  /** What a failure says, on one line; the wrappers of futures are looked through. */
  static String message(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    return message == null || message.isBlank()
        ? cause.getClass().getSimpleName()
        : message.strip().replaceAll("\\s*\\R\\s*", " | ");
  }
}
