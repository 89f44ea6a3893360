/**
 * Video files: probe, frame sampling and decoding in a child ffmpeg process, with exact
 * presentation times.
 */
@NullMarked
package vidfold.video;

import org.jspecify.annotations.NullMarked;
