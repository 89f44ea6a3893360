package vidfold.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import vidfold.checkpoint.CheckpointException;

class ChatTemplateTest {

  private static final Path ORACLE = Path.of("src/test/resources/oracle/qwen2vl");
  private static final Path QWEN2_VL = Path.of("src/test/resources/templates/qwen2-vl.jinja");
  private static final String DEFAULT_SYSTEM =
      "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n";
  private static final String VIDEO = "<|vision_start|><|video_pad|><|vision_end|>";
  private static final String IMAGE = "<|vision_start|><|image_pad|><|vision_end|>";

  @TempDir Path folder;

  @Test
  void shouldRenderLikeTheReference() throws IOException {
    ChatTemplate template = ChatTemplate.open(ORACLE.resolve("checkpoint"));
    JsonNode cases = new ObjectMapper().readTree(ORACLE.resolve("cases/tokenizer.json").toFile());
    for (JsonNode chat : cases.path("chats")) {
      assertThat(template.render(messages(chat.path("messages")), true))
          .as(chat.path("name").asText())
          .isEqualTo(chat.path("text").asText());
    }
  }

  @Test
  void shouldRenderThePublishedTemplateOfQwen2Vl() throws IOException {
    ChatTemplate template = ChatTemplate.of(Files.readString(QWEN2_VL), "", "<|im_end|>");
    List<ChatMessage> messages =
        List.of(
            ChatMessage.of("user", ChatPart.video(), ChatPart.text(" <b> & {{ 7*7 }}\n\n")),
            ChatMessage.plain("assistant", "A {% ball %}.\n"),
            ChatMessage.of("user", ChatPart.image(), ChatPart.text("Where?")));
    String expected =
        DEFAULT_SYSTEM
            + "<|im_start|>user\n"
            + VIDEO
            + " <b> & {{ 7*7 }}\n\n<|im_end|>\n"
            + "<|im_start|>assistant\nA {% ball %}.\n<|im_end|>\n"
            + "<|im_start|>user\n"
            + IMAGE
            + "Where?<|im_end|>\n";
    assertThat(template.render(messages, false)).isEqualTo(expected);
    assertThat(template.render(messages, true)).isEqualTo(expected + "<|im_start|>assistant\n");
    List<ChatMessage> withSystem =
        List.of(ChatMessage.plain("system", "Be brief."), messages.get(0));
    assertThat(template.render(withSystem, false))
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"
                + VIDEO
                + " <b> & {{ 7*7 }}\n\n<|im_end|>\n");
  }

  @Test
  void shouldCountInNamespaces() throws IOException {
    String counting = "{% set add_vision_id = true %}" + Files.readString(QWEN2_VL);
    ChatTemplate template = ChatTemplate.of(counting, "", "");
    ChatMessage message =
        ChatMessage.of(
            "user", ChatPart.image(), ChatPart.video(), ChatPart.image(), ChatPart.text("Which?"));
    assertThat(template.render(List.of(message), false))
        .isEqualTo(
            DEFAULT_SYSTEM
                + "<|im_start|>user\nPicture 1: "
                + IMAGE
                + "Video 1: "
                + VIDEO
                + "Picture 2: "
                + IMAGE
                + "Which?<|im_end|>\n");
  }

  /** What Jinja2 3.1.6 makes of it in the set-up of the Hugging Face library. */
  static List<Arguments> snippets() {
    return List.of(
        Arguments.of(
            "{% for m in messages %}\n    {%- if loop.first %}first {% endif %}\n  {{ m.role }}\n"
                + "    {% if loop.last %}\nlast\n    {% endif %}\n{% endfor %}\n",
            "first   user\n  assistant\n  user\nlast\n"),
        Arguments.of(
            "{%- for m in messages -%}\n    {{ m['role'] + ':' }} {{ m.content }}{{ '\\n' }}\n"
                + "{%- endfor %}",
            "user: hi\nassistant: {{ yo }}\nuser: more\n"),
        Arguments.of("a {% if true %} b {% endif %} c\n\n", "a  b  c\n"),
        Arguments.of("  {# note #}\nx {# note #} y\n{#- n -#}\n z", "x  yz"),
        Arguments.of(
            "{{ messages[0]['role'] | upper }} {{ messages | length }} {{ messages[1:] | length }}",
            "USER 3 2"),
        Arguments.of(
            "{{ bos_token }}{{ eos_token }}{{ other }}{% if other %}x{% endif %}"
                + "{% if tools is defined %}t{% endif %}{% if messages is defined %}m{% endif %}",
            "<s></s>m"),
        Arguments.of(
            "{{ '  trim me\\n' | trim }}|{{ 'a\\tb\\\\n' }}|{{ \"it's\" }}",
            "trim me|a\tb\\n|it's"),
        Arguments.of(
            "{% if messages[0].content is string and 'i' in messages[0].content"
                + " and not messages[0].missing %}yes{% else %}no{% endif %}",
            "yes"),
        Arguments.of("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f('a') }}", "<a>"),
        Arguments.of("{% generation %}\nanswer\n{% endgeneration %}\n.", "answer\n."),
        Arguments.of("{{- 'x' -}}  \n  {{- 'y' }}  \n{%+ if true %}z{% endif %}", "xy  \nz"));
  }

  @ParameterizedTest
  @MethodSource("snippets")
  void shouldRenderLikeJinja2(String source, String expected) {
    assertThat(ChatTemplate.of(source, "<s>", "</s>").render(threeMessages(), true))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% include 'templates/qwen2-vl.jinja' %}",
        "{% include 'file:/etc/hostname' %}",
        "{% import 'logback.xml' as x %}",
        "{% from '/etc/hostname' import x %}",
        "{% extends '/etc/hostname' %}",
        "{{ messages.getClass().forName('java.lang.Runtime') }}",
        "{{ messages[0].getClass() }}",
      })
  void shouldNotReachOutOfTheTemplate(String source) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ChatTemplate.of(source, "", "").render(threeMessages(), true))
        .withMessageContaining("chat template: ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
        "{%- if not add_generation_prompt is defined %}x{% endif %}",
        "{{ messages[0].content.startswith('h') }}",
        "{{ raise_exception('no system role') }}",
        "{% frobnicate %}",
        "{% for m in messages %}",
      })
  void shouldRefuseWhatItWouldGetWrong(String source) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ChatTemplate.of(source, "", "").render(threeMessages(), true))
        .withMessageStartingWith("chat_template: chat template: ");
  }

  @Test
  void shouldBoundItsOutput() {
    String source =
        "{% for a in range(1000) %}{% for b in range(1000) %}0123456789{% endfor %}{% endfor %}";
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ChatTemplate.of(source, "", "").render(threeMessages(), true))
        .withMessageContaining("chat template: ");
  }

  @Test
  void shouldPassOnWhatATemplateRefuses() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(
            () ->
                ChatTemplate.of("{{ raise_exception('no system role') }}", "", "")
                    .render(threeMessages(), true))
        .withMessageContaining("no system role");
  }

  @Test
  void shouldFindTheTemplateWhereItIsPublished() throws IOException {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ChatTemplate.open(folder))
        .withMessageContaining("chat_template");
    ObjectNode config = new ObjectMapper().createObjectNode();
    config.putObject("eos_token").put("content", "</s>");
    config.putArray("chat_template").addObject().put("name", "rag").put("template", "wrong");
    ((com.fasterxml.jackson.databind.node.ArrayNode) config.path("chat_template"))
        .addObject()
        .put("name", "default")
        .put("template", "config{{ eos_token }}{{ bos_token }}");
    Files.writeString(folder.resolve("tokenizer_config.json"), config.toString());
    assertThat(ChatTemplate.open(folder).render(List.of(), true)).isEqualTo("config</s>");
    Files.writeString(
        folder.resolve("chat_template.json"), "{\"chat_template\": \"json{{ eos_token }}\"}");
    assertThat(ChatTemplate.open(folder).render(List.of(), true)).isEqualTo("json</s>");
    Files.writeString(folder.resolve("chat_template.jinja"), "jinja{{ eos_token }}\n");
    assertThat(ChatTemplate.open(folder).render(List.of(), true)).isEqualTo("jinja</s>");
  }

  private static List<ChatMessage> threeMessages() {
    return List.of(
        ChatMessage.plain("user", "hi"),
        ChatMessage.plain("assistant", "{{ yo }}"),
        ChatMessage.plain("user", "more"));
  }

  private static List<ChatMessage> messages(JsonNode list) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : list) {
      String role = message.path("role").asText();
      JsonNode content = message.path("content");
      if (content.isTextual()) {
        messages.add(ChatMessage.plain(role, content.asText()));
      } else {
        List<ChatPart> parts = new ArrayList<>();
        content.forEach(part -> parts.add(part(part)));
        messages.add(ChatMessage.of(role, parts.toArray(ChatPart[]::new)));
      }
    }
    return messages;
  }

  private static ChatPart part(JsonNode part) {
    return part.path("type").asText().equals("video")
        ? ChatPart.video()
        : ChatPart.text(part.path("text").asText());
  }
}
