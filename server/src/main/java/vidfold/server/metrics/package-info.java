/** Micrometer meters. */
@NullMarked
package vidfold.server.metrics;

import org.jspecify.annotations.NullMarked;
