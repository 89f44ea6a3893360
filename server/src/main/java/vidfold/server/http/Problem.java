package vidfold.server.http;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An error as a client is told it (RFC 9457).
 *
 * @param status HTTP status
 * @param type last part of the type's URI, stable across versions, for example {@code queue-full}
 * @param detail a sentence for people, without native messages and paths
 * @param members further members, for example {@code field}
 * @param headers further headers, for example {@code Retry-After}
 */
record Problem(
    int status,
    String type,
    String detail,
    Map<String, Object> members,
    Map<String, String> headers) {
  static final String MEDIA_TYPE = "application/problem+json";
  private static final String TYPES = "https://vidfold.dev/problems/";

  Problem {
    members = Map.copyOf(members);
    headers = Map.copyOf(headers);
  }

  static Problem of(int status, String type, String detail) {
    return new Problem(status, type, detail, Map.of(), Map.of());
  }

  Problem with(String member, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(members);
    more.put(member, value);
    return new Problem(status, type, detail, more, headers);
  }

  Problem withHeader(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new Problem(status, type, detail, members, more);
  }

  ProblemException asException() {
    return new ProblemException(this);
  }

  /** The whole URI of a type. */
  static String uri(String type) {
    return TYPES + type;
  }

  /** The members in the order in which they are written. */
  Map<String, Object> json(String requestId) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("type", uri(type));
    json.put("title", title());
    json.put("status", status);
    json.put("detail", detail);
    json.put("request_id", requestId);
    members.forEach(json::putIfAbsent);
    return json;
  }

  Reply reply(String requestId) {
    return reply(MEDIA_TYPE, json(requestId));
  }

  /** The response with this problem's status and headers, and other words for it. */
  Reply reply(String mediaType, Object words) {
    Reply reply = Reply.bytes(status, mediaType, Json.write(words));
    for (Map.Entry<String, String> header : headers.entrySet()) {
      reply = reply.with(header.getKey(), header.getValue());
    }
    return reply;
  }

  /** The same for every problem of a type: {@code queue-full} is "Queue full". */
  private String title() {
    return Character.toUpperCase(type.charAt(0)) + type.substring(1).replace('-', ' ');
  }
}
