package vidfold.video;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.video.VideoException.Reason;

/**
 * Decodes chosen frames of a video in a child ffmpeg process and hands them out one by one.
 *
 * <p>The child decodes the file once, from the start; only chosen frames are turned, converted to
 * RGB, scaled and written to the pipe. One frame is in memory on this side, a pipe full on the
 * other: a slow sink slows the child down. Colours: the matrix and range that the stream states
 * (BT.601 when it states none), bicubic with accurate rounding and full chroma. Whatever the child
 * does, crash included, is a {@link VideoException} of this video. Thread-safe.
 */
public final class VideoDecoder {
  private static final Logger log = LoggerFactory.getLogger(VideoDecoder.class);

  /** How far before a broken end a frame that can be decoded is looked for. */
  private static final int LOOK_BACK_FRAMES = 64;

  private static final String SCALER =
      ":flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";

  private final FfmpegProgram program;
  private final VideoLimits limits;
  private final AtomicLong decodesStarted = new AtomicLong();

  public VideoDecoder(FfmpegProgram program, VideoLimits limits) {
    this.program = program;
    this.limits = limits;
  }

  /** How many times a child process was started to decode; never falls. */
  public long decodesStarted() {
    return decodesStarted.get();
  }

  /**
   * Decodes the requested frames; every position is handed to the sink exactly once, in order, on
   * this thread.
   *
   * <p>A frame that cannot be decoded is replaced by the next one that can, or by the one before at
   * the end of the video; a warning says so.
   *
   * @throws VideoException when nothing can be decoded, a limit is reached or the cancellation is
   *     used
   */
  public DecodedVideo decode(DecodeRequest request, FrameSink sink, Cancellation cancellation) {
    checkCount(request);
    FrameDelivery delivery = new FrameDelivery(request.frames(), sink);
    ByteBuffer frame = ByteBuffer.allocateDirect(request.size().bytes());
    FrameMessages messages = new FrameMessages();
    Long last =
        run(
            request,
            new Pass(request.frames().distinctTicks(), delivery, messages, frame),
            cancellation);
    if (!delivery.isComplete()) {
      recoverEnd(request, delivery, frame, last, cancellation);
    }
    return new DecodedVideo(delivery.seconds(), warnings(delivery.replaced(), messages.damaged()));
  }

  /**
   * One run of the child: the wanted times and where its frames go; without a delivery the last
   * frame stays in the buffer.
   */
  private record Pass(
      long[] ticks, @Nullable FrameDelivery delivery, FrameMessages messages, ByteBuffer frame) {}

  private void checkCount(DecodeRequest request) {
    if (request.frames().count() > limits.maxSampledFrames()) {
      throw new VideoException(
          Reason.TOO_MANY_FRAMES,
          request.frames().count()
              + " frames asked for; at most "
              + limits.maxSampledFrames()
              + " are allowed.");
    }
  }

  /**
   * The end is broken: decodes the frames before it, keeping only the latest, which then stands for
   * all that are left.
   */
  private void recoverEnd(
      DecodeRequest request,
      FrameDelivery delivery,
      ByteBuffer frame,
      @Nullable Long last,
      Cancellation cancellation) {
    FrameTimes times = request.frames().times();
    int end = request.frames().index(request.frames().count() - 1);
    int start = Math.max(0, end - LOOK_BACK_FRAMES);
    long[] ticks = new long[end - start + 1];
    Arrays.setAll(ticks, i -> times.ticks(start + i));
    Long latest = run(request, new Pass(ticks, null, new FrameMessages(), frame), cancellation);
    if (latest == null) {
      latest = last;
    }
    if (latest == null) {
      throw new VideoException(Reason.DECODE_FAILED, "No frame of this video can be decoded.");
    }
    delivery.deliverRest(latest, frame);
  }

  /** Runs the child to its end; the time of its last frame, or null when there was none. */
  private @Nullable Long run(DecodeRequest request, Pass pass, Cancellation cancellation) {
    ChildProcess.Start start =
        new ChildProcess.Start(
            program.ffmpegCommand(limits, arguments(request, pass)),
            program.environment(),
            limits.wallClock());
    decodesStarted.incrementAndGet();
    try (ChildProcess child = ChildProcess.start(start, cancellation, pass.messages())) {
      Long last = null;
      try (ReadableByteChannel pixels = Channels.newChannel(child.stdout())) {
        while (fill(pass.frame(), pixels)) {
          last = receive(request, pass, child);
        }
      } catch (IOException e) {
        throw child.broken(e);
      }
      int exit = child.awaitExit();
      log.debug("ffmpeg ended with {}: {}", exit, child.lastLines());
      checkExit(exit, last);
      return last;
    }
  }

  private static void checkExit(int exit, @Nullable Long last) {
    boolean killed = exit > 128;
    if (killed || (exit != 0 && last == null)) {
      throw new VideoException(Reason.DECODE_FAILED, "The video decoder failed on this video.");
    }
  }

  /**
   * Takes the frame in the buffer: its time from the side channel, then on to the chosen frames it
   * serves.
   */
  private static long receive(DecodeRequest request, Pass pass, ChildProcess child) {
    FrameMessages.FrameTime time;
    try {
      time = pass.messages().next();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new VideoException(Reason.CANCELLED, "Reading the video was interrupted.", e);
    }
    child.throwIfStopped();
    if (time == null) {
      throw new VideoException(
          Reason.DECODE_FAILED, "The video decoder did not state the time of a frame.");
    }
    long ticks =
        request.frames().times().fromTimeBase(time.value(), time.numerator(), time.denominator());
    if (pass.delivery() != null) {
      pass.delivery().deliver(ticks, pass.frame());
    }
    return ticks;
  }

  /** Reads one whole frame; false at the end of the stream. */
  private static boolean fill(ByteBuffer frame, ReadableByteChannel pixels) throws IOException {
    frame.clear();
    while (frame.hasRemaining()) {
      if (pixels.read(frame) < 0) {
        if (frame.position() == 0) {
          return false;
        }
        throw new EOFException("the stream ends within a frame");
      }
    }
    frame.flip();
    return true;
  }

  private List<String> arguments(DecodeRequest request, Pass pass) {
    FrameSize size = request.size();
    List<String> arguments = new ArrayList<>(AllowedMedia.common());
    arguments.addAll(List.of("-nostdin", "-copyts", "-threads", "2", "-filter_threads", "1"));
    arguments.addAll(List.of("-max_pixels", Long.toString(limits.maxPixels())));
    arguments.addAll(AllowedMedia.decodeInput(request.file()));
    arguments.addAll(List.of("-map", "0:" + request.info().streamIndex()));
    arguments.add("-vf");
    arguments.add(
        SelectExpression.of(pass.ticks())
            + (",scale=" + size.width() + ":" + size.height() + SCALER)
            + ",format=rgb24");
    arguments.addAll(List.of("-fps_mode", "passthrough", "-enc_time_base", "demux"));
    arguments.addAll(
        List.of("-stats_enc_pre", "pipe:2", "-stats_enc_pre_fmt", pass.messages().format()));
    arguments.addAll(List.of("-c:v", "rawvideo", "-f", "rawvideo", "pipe:1"));
    return arguments;
  }

  private static List<String> warnings(int replaced, int damaged) {
    List<String> warnings = new ArrayList<>();
    if (replaced > 0) {
      warnings.add(
          counted(replaced, "frame")
              + " could not be decoded and the nearest decodable frame was used instead.");
    }
    if (damaged > 0) {
      warnings.add(
          counted(damaged, "damaged frame") + " in the video; the decoder repaired what it could.");
    }
    return warnings;
  }

  private static String counted(int count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }
}
