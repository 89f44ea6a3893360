package vidfold.model;

import java.util.List;

/**
 * A picked token.
 *
 * @param token its id
 * @param logprob natural logarithm of its probability under the unmodified logits
 * @param top the most likely tokens, best first, as many as were asked for
 */
public record TokenChoice(int token, float logprob, List<Alternative> top) {

  /** One of the most likely tokens at a step. */
  public record Alternative(int token, float logprob) {}
}
