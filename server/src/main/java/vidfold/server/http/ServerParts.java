package vidfold.server.http;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import vidfold.model.PublishedDefaults;
import vidfold.server.engine.AnswerService;
import vidfold.server.engine.EngineStatus;
import vidfold.server.engine.Question;
import vidfold.server.session.Sessions;
import vidfold.server.video.Ingest;
import vidfold.server.video.VideoLibrary;

/**
 * What the routes serve; the caller makes and closes it.
 *
 * @param answers answers questions
 * @param status what the engine is doing
 * @param library the stored videos
 * @param ingest takes new videos on their way
 * @param sessions the stored sessions
 * @param published what the model was published with
 * @param defaults how to answer where a request does not say
 * @param meters what {@code /metrics} shows
 * @param version of this server
 * @param blocking runs the short calls that wait for the disk
 */
public record ServerParts(
    AnswerService answers,
    Supplier<EngineStatus> status,
    VideoLibrary library,
    Ingest ingest,
    Sessions sessions,
    PublishedDefaults published,
    Question.Options defaults,
    PrometheusMeterRegistry meters,
    String version,
    Executor blocking) {}
