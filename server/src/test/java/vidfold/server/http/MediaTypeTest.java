package vidfold.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MediaTypeTest {
  @Test
  void shouldReadNameAndParameters() {
    MediaType type = MediaType.of("Multipart/Form-Data; Boundary=\"a;b\\\"c\" ; x= y;z");

    assertThat(type.name()).isEqualTo("multipart/form-data");
    assertThat(type.parameter("boundary")).hasValue("a;b\"c");
    assertThat(type.parameter("x")).hasValue("y");
    assertThat(type.parameter("z")).isEmpty();
    assertThat(MediaType.of(null).name()).isEmpty();
    assertThat(MediaType.of("a; b=\"open").parameter("b")).hasValue("open");
    assertThat(MediaType.of("a; b; c=d").parameter("c")).hasValue("d");
  }

  @Test
  void shouldReadFileNames() {
    assertThat(name("form-data; name=x; filename=\"C:\\clips\\a.mp4\""))
        .isEqualTo("C:\\clips\\a.mp4");
    assertThat(name("attachment; filename=\"a.mp4\"; filename*=UTF-8''%e2%82%ac.mp4"))
        .isEqualTo("\u20ac.mp4");
    assertThat(name("attachment; filename=\"a.mp4\"; filename*=UTF-8''%zz")).isEqualTo("a.mp4");
    assertThat(name("attachment; filename=\"\u00c3\u00bc.mp4\"")).isEqualTo("\u00fc.mp4");
    assertThat(name("attachment; filename=\"\u00fc.mp4\"")).isEqualTo("\u00fc.mp4");
    assertThat(name("attachment")).isNull();
  }

  private static String name(String header) {
    return FileName.of(MediaType.of(header));
  }
}
