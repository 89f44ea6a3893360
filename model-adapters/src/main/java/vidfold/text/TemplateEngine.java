package vidfold.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.InterpretException;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.loader.ResourceNotFoundException;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Jinjava, set up to do what Jinja2 does for chat templates, and nothing more than that. */
final class TemplateEngine {

  private static final long MAX_OUTPUT = 1 << 20;

  /** Blanks between the start of a line and a block or comment; {@code {%+} asks to keep them. */
  private static final Pattern BLANKS_BEFORE_BLOCK =
      Pattern.compile("^[ \\t]+(?=\\{[%#](?!\\+))", Pattern.MULTILINE);

  /** Two things that Jinjava takes for something else without a word. */
  private static final Pattern MISREAD =
      Pattern.compile(
          "\\{%[-+]?\\s*for\\s[^%]*\\sif\\s[^%]*%\\}" // a loop with a condition
              + "|\\bnot\\s+[\\w.\\[\\]'\"]+\\s+is\\s"); // binds as (not x) is

  private final Jinjava jinjava = new Jinjava(config());

  TemplateEngine() {
    jinjava.setResourceLocator(
        (name, encoding, interpreter) -> {
          throw new ResourceNotFoundException("a chat template must not read " + name);
        });
    jinjava.registerTag(new GenerationTag());
    jinjava.registerFunction(new ELFunctionDefinition("", "raise_exception", raiseException()));
  }

  /** What in this template would be rendered wrongly, if anything. */
  static Optional<String> unsupported(String source) {
    Matcher matcher = MISREAD.matcher(source);
    return matcher.find() ? Optional.of(matcher.group()) : Optional.empty();
  }

  /**
   * Makes two of Jinja2's rules part of the source: one newline at its end does not count, and
   * blanks before a block go only if they start the line (Jinjava's lstrip also takes those after
   * an expression).
   */
  static String prepare(String source) {
    String body = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
    return BLANKS_BEFORE_BLOCK.matcher(body).replaceAll("");
  }

  RenderResult render(String prepared, Map<String, Object> variables) {
    return jinjava.renderForResult(prepared, variables);
  }

  private static JinjavaConfig config() {
    return JinjavaConfig.newBuilder()
        .withTrimBlocks(true)
        .withKeepTrailingNewline(true)
        .withNestedInterpretationEnabled(false) // or braces in a message would be evaluated
        .withMaxOutputSize(MAX_OUTPUT)
        .withMaxStringLength(MAX_OUTPUT)
        .withDisabled(Map.of(Context.Library.TAG, Set.of("include", "import", "from", "extends")))
        .withLegacyOverrides(
            LegacyOverrides.newBuilder()
                .withEvaluateMapKeys(true)
                .withIterateOverMapKeys(true)
                .withUsePyishObjectMapper(true)
                .withUseNaturalOperatorPrecedence(true)
                .withParseWhitespaceControlStrictly(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withKeepNullableLoopValues(true)
                .withHandleBackslashInQuotesOnly(true)
                .withAllowAdjacentTextNodes(true)
                .build())
        .build();
  }

  private static Method raiseException() {
    try {
      Method method = TemplateEngine.class.getDeclaredMethod("raise", String.class);
      method.setAccessible(true);
      return method;
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The function {@code raise_exception} of templates. */
  @SuppressWarnings("unused") // called by reflection
  private static String raise(String message) {
    throw new InterpretException(message);
  }

  /** {@code {% generation %}} marks what the assistant said, for training; here it does nothing. */
  private static final class GenerationTag implements Tag {

    @Override
    public String getName() {
      return "generation";
    }

    @Override
    public String getEndTagName() {
      return "endgeneration";
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter interpreter) {
      StringBuilder output = new StringBuilder();
      for (Node child : tag.getChildren()) {
        output.append(child.render(interpreter));
      }
      return output.toString();
    }
  }
}
