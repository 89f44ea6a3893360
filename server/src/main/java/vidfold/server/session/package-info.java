/** Multi-question sessions on one video. */
@NullMarked
package vidfold.server.session;

import org.jspecify.annotations.NullMarked;
