package vidfold.model;

/** A frame's size in pixels. */
public record FrameSize(int width, int height) {}
