package vidfold;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The rules of the house, over the main classes of all modules. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("vidfold");

  @Test
  void shouldSeeAllModulesAndNoTests() {
    List<String> names = CLASSES.stream().map(type -> type.getName()).toList();
    assertThat(names)
        .contains(
            "vidfold.torch.Torch",
            "vidfold.merging.MergeSpec",
            "vidfold.model.VideoLlm",
            "vidfold.server.engine.Engine",
            "vidfold.cli.Main")
        .noneMatch(name -> name.endsWith("Test") || name.equals("vidfold.video.TestClips"));
  }

  @Test
  void shouldHaveNoCyclesOfPackages() {
    check(slices().matching("vidfold.(**)").should().beFreeOfCycles());
  }

  @Test
  void shouldTouchPyTorchInOnePackage() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("vidfold.torch")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("ai.djl.pytorch.."));
  }

  @Test
  void shouldTouchNettyInHttpOnly() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("..http..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.netty.."));
  }

  @Test
  void shouldTouchCaffeineInTheCachesOnly() {
    check(
        noClasses()
            .that()
            .haveNameNotMatching(
                "vidfold\\.server\\.engine\\.(VideoPrefix|VisualToken)Cache(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("com.github.benmanes.caffeine.."));
  }

  @Test
  void shouldKeepTheEngineFromHttp() {
    check(
        noClasses()
            .that()
            .resideInAPackage("..engine..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("..http.."));
  }

  @Test
  void shouldKeepTheModulesBelowFromTheServer() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(
                "vidfold.torch",
                "vidfold.merging",
                "vidfold.model",
                "vidfold.video",
                "vidfold.text",
                "vidfold.checkpoint")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("vidfold.server..", "vidfold.cli.."));
  }

  @Test
  void shouldConstructInTheCommandLineOnly() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("vidfold.cli")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("vidfold.cli"));
  }

  @Test
  void shouldHaveNoStaticStateThatChanges() {
    check(fields().that().areStatic().should().beFinal());
  }

  private static void check(ArchRule rule) {
    rule.check(CLASSES);
  }
}
