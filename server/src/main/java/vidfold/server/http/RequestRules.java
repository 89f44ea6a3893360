package vidfold.server.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import java.util.List;

/** What HTTP asks of the head of every request, beyond what the decoder checks. */
final class RequestRules {
  private RequestRules() {}

  /** Throws the problem of a head that is not acceptable. */
  static void check(HttpRequest head) {
    if (head.decoderResult().isFailure()) {
      throw Problems.malformed(head.decoderResult().cause()).asException();
    }
    HttpVersion version = head.protocolVersion();
    if (!version.equals(HttpVersion.HTTP_1_1) && !version.equals(HttpVersion.HTTP_1_0)) {
      throw Problem.of(505, "unsupported-http-version", "Only HTTP/1.1 and HTTP/1.0 are spoken.")
          .asException();
    }
    HttpHeaders headers = head.headers();
    int hosts = headers.getAll(HttpHeaderNames.HOST).size();
    if (hosts > 1 || (hosts == 0 && version.equals(HttpVersion.HTTP_1_1))) {
      throw malformed("A request has exactly one Host header.");
    }
    checkFraming(head);
    String expect = headers.get(HttpHeaderNames.EXPECT);
    if (expect != null && !expect.equalsIgnoreCase("100-continue")) {
      throw Problem.of(417, "expectation-failed", "Only Expect: 100-continue is understood.")
          .asException();
    }
  }

  /** Two parties that disagree on where a body ends see different requests. */
  private static void checkFraming(HttpRequest head) {
    List<String> codings = head.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
    if (!codings.isEmpty()) {
      if (head.headers().contains(HttpHeaderNames.CONTENT_LENGTH)) {
        throw malformed("A request has a Content-Length or a Transfer-Encoding, not both.");
      }
      if (head.protocolVersion().equals(HttpVersion.HTTP_1_0) || codings.size() > 1) {
        throw malformed("The Transfer-Encoding is not acceptable.");
      }
      if (!codings.get(0).strip().equalsIgnoreCase("chunked")) {
        throw Problem.of(
                501, "unsupported-transfer-encoding", "Only the coding 'chunked' is understood.")
            .asException();
      }
    }
    String encoding = head.headers().get(HttpHeaderNames.CONTENT_ENCODING);
    if (encoding != null && !encoding.strip().equalsIgnoreCase("identity")) {
      throw Problem.of(
              415, "unsupported-media-type", "Bodies with a Content-Encoding are not read.")
          .asException();
    }
  }

  private static ProblemException malformed(String detail) {
    return Problem.of(400, "malformed-request", detail).asException();
  }
}
