package vidfold.model;

import java.util.ArrayList;
import java.util.List;
import vidfold.torch.Tensor;
import vidfold.torch.Torch;
import vidfold.torch.TorchModule;

/**
 * Picks tokens on the device: repetition penalty, temperature, top-k, then top-p (nucleus, Holtzman
 * et al. 2020), by inverse CDF of one seeded uniform number a token, so a seed gives one answer.
 */
final class Sampler implements AutoCloseable {

  private final Torch torch;
  private final TorchModule script;

  Sampler(Torch torch) {
    this.torch = torch;
    this.script = torch.script("Sampler", "sampler.py");
  }

  TokenChoice sample(OwnKv sequence) {
    SamplingParams params = sequence.params();
    int[] seen = params.repetitionPenalty() == 1 ? new int[0] : sequence.seen();
    double uniform = params.temperature() == 0 ? 0 : sequence.nextUniform();
    try (Tensor ids = torch.ints(seen, seen.length);
        Tensor picked =
            script.callTensor(
                "sample",
                sequence.logits(),
                ids,
                params.temperature(),
                params.topK(),
                params.topP(),
                params.repetitionPenalty(),
                uniform,
                params.topLogprobs())) {
      return choice(picked.toFloats(), params.topLogprobs());
    }
  }

  /**
   * What {@link #sample} chooses for sequences that take the most likely token, all read at once: a
   * device that is waited for once a step and not once a sequence.
   *
   * @param logits {@code [B, V]}
   */
  List<TokenChoice> mostLikely(Tensor logits) {
    try (Tensor picked = script.callTensor("most_likely", logits)) {
      float[] values = picked.toFloats();
      List<TokenChoice> choices = new ArrayList<>(values.length / 2);
      for (int i = 0; i < values.length; i += 2) {
        choices.add(new TokenChoice((int) values[i], values[i + 1], List.of()));
      }
      return choices;
    }
  }

  private static TokenChoice choice(float[] values, int top) {
    List<TokenChoice.Alternative> alternatives = new ArrayList<>(top);
    for (int i = 0; i < top; i++) {
      alternatives.add(new TokenChoice.Alternative((int) values[2 + i], values[2 + top + i]));
    }
    return new TokenChoice((int) values[0], values[1], alternatives);
  }

  @Override
  public void close() {
    script.close();
  }
}
