package vidfold.model;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.stream.Collectors;
import vidfold.checkpoint.Checkpoint;
import vidfold.text.ChatTemplate;

/**
 * The conversation in which lmms-lab's models were trained ({@code qwen_1_5} in their code). It is
 * not in their folders: the template there is that of the language model and knows no video.
 */
final class LlavaConversation {

  /** Stands for the video; no text of the vocabulary, so the texts around it are encoded apart. */
  private static final String VIDEO = "\uE000video\uE001";

  private static final String TEMPLATE =
      """
      {%- if messages[0].role != 'system' -%}
      {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}
      {%- endif -%}
      {%- for message in messages -%}
      {{- '<|im_start|>' + message.role + '\\n' -}}
      {%- for part in message.content -%}
      {%- if part.type == 'video' -%}{{- 'VIDEO\\n' -}}{%- else -%}{{- part.text -}}{%- endif -%}
      {%- endfor -%}
      {{- '<|im_end|>\\n' -}}
      {%- endfor -%}
      {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
      """
          .replace("VIDEO", VIDEO);

  private LlavaConversation() {}

  /**
   * Opens the text side of a folder.
   *
   * @param timed whether the prompt says how long the video is and when its frames were shown
   */
  static CheckpointPrompt open(Checkpoint checkpoint, boolean timed) {
    ChatTemplate template = ChatTemplate.of(TEMPLATE, "", "");
    return timed
        ? CheckpointPrompt.open(checkpoint, template, VIDEO, LlavaConversation::timeInstruction)
        : CheckpointPrompt.open(checkpoint, template, VIDEO, video -> "");
  }

  /**
   * What LLaVA-Video was trained to be told between the video and the question. The training text
   * has no space before its last sentence.
   */
  static String timeInstruction(VideoFrames video) {
    String located =
        video.times().stream().map(t -> hundredths(t) + "s").collect(Collectors.joining(","));
    return "The video lasts for "
        + hundredths(video.seconds())
        + " seconds, and "
        + video.times().size()
        + " frames are uniformly sampled from it. These frames are located at "
        + located
        + ".Please answer the following questions related to this video.\n";
  }

  /** Two decimals of the exact binary value, ties to even, as Python formats. */
  private static String hundredths(double value) {
    return new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
  }
}
