/** Stored videos: uploads, the video store and the states of ingest. */
@NullMarked
package vidfold.server.video;

import org.jspecify.annotations.NullMarked;
