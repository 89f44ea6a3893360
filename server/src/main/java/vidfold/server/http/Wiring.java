package vidfold.server.http;

import java.util.function.BooleanSupplier;

/**
 * What all connections share.
 *
 * @param draining whether the server is stopping: connections end with their present request
 */
record Wiring(
    Router router, HttpConfig config, AccessLog access, RequestIds ids, BooleanSupplier draining) {}
