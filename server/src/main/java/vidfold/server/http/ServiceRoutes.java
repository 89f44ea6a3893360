package vidfold.server.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import vidfold.merging.MergeSpec;
import vidfold.model.ModelInfo;
import vidfold.model.PublishedDefaults;
import vidfold.model.PublishedSttm;
import vidfold.server.engine.EngineStatus;

/** What the server says about itself. */
final class ServiceRoutes {
  private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

  private final ServerParts parts;
  private final BooleanSupplier draining;

  ServiceRoutes(ServerParts parts, BooleanSupplier draining) {
    this.parts = parts;
    this.draining = draining;
  }

  /** The list shape of OpenAI's API, with what is worth knowing about the model. */
  void models(Exchange exchange) {
    ModelInfo model = parts.status().get().model();
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("id", model.name());
    entry.put("object", "model");
    entry.put("owned_by", "vidfold");
    entry.put("family", model.family());
    entry.put("digest", model.digest());
    entry.put("device", model.device());
    entry.put("dtype", model.dtype());
    entry.put("weights", model.weights());
    entry.put("layers", model.layers());
    entry.put("context_length", model.contextLength());
    entry.put("default_merge_layer", model.defaultMergeLayer());
    entry.put("reducers", MergeSpec.REDUCERS);
    entry.put("published", published(parts.published()));
    exchange.reply(Reply.json(200, Map.of("object", "list", "data", List.of(entry))));
  }

  private static Map<String, Object> published(PublishedDefaults defaults) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("merge_layer", defaults.mergeLayer());
    json.put("fps", defaults.frames().fps());
    json.put("min_frames", defaults.frames().minFrames());
    json.put("max_frames", defaults.frames().maxFrames());
    List<Map<String, Object>> sttm = new ArrayList<>();
    for (PublishedSttm one : defaults.sttm()) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("retention", one.retention());
      row.put("spatial_threshold", one.thresholds().spatial());
      row.put("temporal_threshold", one.thresholds().temporal());
      sttm.add(row);
    }
    json.put("sttm", sttm);
    return json;
  }

  void version(Exchange exchange) {
    exchange.reply(Reply.json(200, nameAndVersion()));
  }

  void live(Exchange exchange) {
    exchange.reply(Reply.json(200, Map.of("status", "live")));
  }

  void ready(Exchange exchange) {
    EngineStatus status = parts.status().get();
    if (draining.getAsBoolean() || !status.accepting()) {
      throw Problems.stopping().asException();
    }
    Map<String, Object> ready = new LinkedHashMap<>();
    ready.put("status", "ready");
    ready.put("model", status.model().name());
    ready.put("queue_depth", status.queueDepth());
    ready.put("running", status.running());
    exchange.reply(Reply.json(200, ready));
  }

  void metrics(Exchange exchange) {
    exchange.reply(
        CompletableFuture.supplyAsync(
            () -> Reply.text(200, PROMETHEUS_TEXT, parts.meters().scrape()), parts.blocking()));
  }

  void index(Exchange exchange) {
    Map<String, Object> index = nameAndVersion();
    index.put("videos", "/v1/videos");
    index.put("chat", "/v1/chat/completions");
    index.put("models", "/v1/models");
    index.put("health", "/health/ready");
    index.put("metrics", "/metrics");
    exchange.reply(Reply.json(200, index));
  }

  private Map<String, Object> nameAndVersion() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", "vidfold");
    json.put("version", parts.version());
    return json;
  }
}
