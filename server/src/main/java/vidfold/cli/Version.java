package vidfold.cli;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code vidfold version}: prints the version. */
@Command(
    name = "version",
    mixinStandardHelpOptions = true,
    description = "Print the version of Vidfold, and of the Java that runs it.")
final class Version implements Callable<Integer>, IVersionProvider {
  @Spec private CommandSpec spec;

  /** The version that the build put into the jar. */
  static String current() {
    @Nullable String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "unpackaged" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {text()};
  }

  @Override
  public Integer call() {
    spec.commandLine().getOut().println(text());
    return 0;
  }

  private static String text() {
    return "vidfold %s, Java %s".formatted(current(), System.getProperty("java.version", "?"));
  }
}
