package vidfold.server.video;

import vidfold.video.VideoDecoder;
import vidfold.video.VideoProbe;

/**
 * What the library reads videos with.
 *
 * @param probe finds out what is in a file
 * @param decoder decodes chosen frames in a child process
 * @param sizing the model's frame size
 */
public record VideoIo(VideoProbe probe, VideoDecoder decoder, FrameSizing sizing) {}
