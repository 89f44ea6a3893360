/** The one inference thread: scheduler, sequences and the cache of video prefixes. */
@NullMarked
package vidfold.server.engine;

import org.jspecify.annotations.NullMarked;
