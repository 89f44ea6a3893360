/**
 * The Netty pipeline, routes, server-sent events and problem+json. The only owner of {@code
 * io.netty}.
 */
@NullMarked
package vidfold.server.http;

import org.jspecify.annotations.NullMarked;
