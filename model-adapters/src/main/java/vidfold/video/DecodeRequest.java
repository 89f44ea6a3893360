package vidfold.video;

import java.nio.file.Path;

/** Which frames of which file, and at which size. */
public record DecodeRequest(Path file, VideoInfo info, SampledFrames frames, FrameSize size) {}
