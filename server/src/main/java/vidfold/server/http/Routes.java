package vidfold.server.http;

import java.util.List;
import java.util.function.BooleanSupplier;
import vidfold.server.metrics.HttpMeters;

/** The table of routes. */
final class Routes {
  private Routes() {}

  static List<Route> table(ServerParts parts, HttpMeters meters, BooleanSupplier draining) {
    VideoRoutes videos = new VideoRoutes(parts);
    UploadHandler uploads = new UploadHandler(parts, videos, meters);
    Asking asking = new Asking(parts, videos);
    QuestionRoutes questions = new QuestionRoutes(asking);
    SessionRoutes sessions = new SessionRoutes(parts, asking);
    ChatRoutes chat = new ChatRoutes(parts, asking, videos, meters);
    ServiceRoutes service = new ServiceRoutes(parts, draining);
    return List.of(
        Route.postStream("/v1/videos", uploads::open),
        Route.get("/v1/videos", videos::list),
        Route.get("/v1/videos/{id}", videos::get),
        Route.delete("/v1/videos/{id}", videos::delete),
        Route.postJson("/v1/videos/{id}/questions", questions::ask),
        Route.postJson("/v1/sessions", sessions::create),
        Route.get("/v1/sessions/{id}", sessions::get),
        Route.delete("/v1/sessions/{id}", sessions::delete),
        Route.postJson("/v1/sessions/{id}/messages", sessions::message),
        Route.postStream("/v1/chat/completions", chat::open),
        Route.get("/v1/models", service::models),
        Route.get("/version", service::version),
        Route.get("/health/live", service::live),
        Route.get("/health/ready", service::ready),
        Route.get("/metrics", service::metrics),
        Route.get("/", service::index));
  }
}
