package vidfold.video;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.video.VideoException.Reason;

/**
 * Finds out what is in a video file: its size, its rotation and the exact time of every frame.
 *
 * <ol>
 *   <li>The size of the file against the limit; an empty file ends here.
 *   <li>The headers: container, codec, frame size, announced duration, each against the limits.
 *   <li>The times of all packets, sorted into display order. Nothing is decoded for that, so it
 *       takes milliseconds. Where packets do not tell (AVI and MPEG program streams without times,
 *       VP8 with hidden frames) the frames are decoded once to learn their times.
 * </ol>
 *
 * Packets that an edit list cuts away are not frames. Thread-safe.
 */
public final class VideoProbe {
  private static final Logger log = LoggerFactory.getLogger(VideoProbe.class);
  private static final Pattern REFUSED =
      Pattern.compile("Codec \\(([a-z0-9_]{1,32})\\) not on whitelist");
  private static final int MAX_HEADER_BYTES = 1 << 20;

  private final FfmpegProgram program;
  private final VideoLimits limits;

  public VideoProbe(FfmpegProgram program, VideoLimits limits) {
    this.program = program;
    this.limits = limits;
  }

  /**
   * Probes a file.
   *
   * @throws VideoException when the file is not a video that can be read within the limits
   */
  public VideoInfo probe(Path file, Cancellation cancellation) {
    checkBytes(file);
    StreamHeader header = readHeader(file, cancellation);
    checkHeader(header);
    FrameTimes times = readTimes(file, header, cancellation);
    if (header.container().equals(PictureClip.CONTAINER)) {
      checkPictures(file, header, times, cancellation);
    }
    return describe(header, times);
  }

  private void checkBytes(Path file) {
    long bytes = size(file);
    if (bytes == 0) {
      throw new VideoException(Reason.NOT_A_VIDEO, "The file is empty. Expected a video.");
    }
    if (bytes > limits.maxBytes()) {
      throw new VideoException(
          Reason.TOO_MANY_BYTES,
          "The file has " + bytes + " bytes; at most " + limits.maxBytes() + " are allowed.");
    }
  }

  private static long size(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new VideoException(Reason.NOT_A_VIDEO, "There is no such file. Expected a video.");
      }
      return Files.size(file);
    } catch (IOException e) {
      throw new VideoException(Reason.NOT_A_VIDEO, "The file cannot be read.", e);
    }
  }

  private StreamHeader readHeader(Path file, Cancellation cancellation) {
    List<String> arguments = new ArrayList<>(AllowedMedia.common());
    arguments.addAll(StreamHeader.ARGUMENTS);
    arguments.addAll(AllowedMedia.probeInput(file));
    try (ChildProcess child = start(program.ffprobeCommand(limits, arguments), cancellation)) {
      String json = child.readAll(MAX_HEADER_BYTES);
      int exit = child.awaitExit();
      List<String> messages = child.lastLines();
      log.debug("ffprobe ended with {}: {}", exit, messages);
      return StreamHeader.parse(json).orElseThrow(() -> unreadable(file, exit, messages));
    }
  }

  private static VideoException unreadable(Path file, int exit, List<String> messages) {
    boolean recognized = !said(messages, "detected only with low score");
    if (recognized && said(messages, "moov atom not found")) {
      return new VideoException(
          Reason.TRUNCATED,
          "The video is cut off: its table of contents, which this file keeps at the end, is missing."
              + " Expected a complete file.");
    }
    if (crashed(exit) || said(messages, "Cannot allocate memory")) {
      return failed();
    }
    String codec = refusedCodec(messages);
    if (codec != null) {
      return new VideoException(
          Reason.UNSUPPORTED_CODEC,
          "The file has a track coded as "
              + codec
              + ". Expected one of "
              + AllowedMedia.CODECS
              + ", with common audio.");
    }
    String other = AllowedMedia.otherContainer(head(file));
    if (other != null) {
      return new VideoException(
          Reason.UNSUPPORTED_CONTAINER,
          "The file is in the "
              + other
              + " format. Expected one of "
              + AllowedMedia.CONTAINERS
              + ".");
    }
    return new VideoException(
        Reason.NOT_A_VIDEO,
        "This file is not a video. Expected one of " + AllowedMedia.CONTAINERS + ".");
  }

  /** The coding of the track that ffprobe was not allowed to open and gave up on. */
  private static @Nullable String refusedCodec(List<String> messages) {
    if (!said(messages, "Could not open codec for input stream")) {
      return null;
    }
    for (int i = messages.size() - 1; i >= 0; i--) {
      Matcher matcher = REFUSED.matcher(messages.get(i));
      if (matcher.find()) {
        return matcher.group(1);
      }
    }
    return "something unknown";
  }

  private static boolean said(List<String> messages, String part) {
    return messages.stream().anyMatch(line -> line.contains(part));
  }

  private static byte[] head(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(32);
    } catch (IOException e) {
      log.debug("cannot read the first bytes", e);
      return new byte[0];
    }
  }

  private void checkHeader(StreamHeader header) {
    if (!AllowedMedia.decodes(header.codec())) {
      throw new VideoException(
          Reason.UNSUPPORTED_CODEC,
          "The video is coded as "
              + header.codec()
              + ". Expected one of "
              + AllowedMedia.CODECS
              + ".");
    }
    if (header.width() <= 0
        || header.height() <= 0
        || header.tickNumerator() <= 0
        || header.tickDenominator() <= 0) {
      throw new VideoException(
          Reason.DECODE_FAILED, "The video does not state the size of its frames or their times.");
    }
    long pixels = (long) header.width() * header.height();
    if (pixels > limits.maxPixels()) {
      throw new VideoException(
          Reason.TOO_MANY_PIXELS,
          "Frames have %d x %d = %d pixels; at most %d are allowed."
              .formatted(header.width(), header.height(), pixels, limits.maxPixels()));
    }
    checkDuration(header.announcedSeconds());
  }

  private void checkDuration(double seconds) {
    double limit = limits.maxDuration().toMillis() / 1000.0;
    if (seconds > limit) {
      throw new VideoException(
          Reason.TOO_LONG,
          String.format(
              Locale.ROOT,
              "The video lasts %.2f seconds; at most %.2f are allowed.",
              seconds,
              limit));
    }
  }

  private FrameTimes readTimes(Path file, StreamHeader header, Cancellation cancellation) {
    TimeTable table = header.codec().equals("vp8") ? null : readPackets(file, header, cancellation);
    if (table == null || !table.isComplete()) {
      log.debug("the packets do not tell the times of all frames, decoding once");
      table = readFrames(file, header, List.of(), cancellation);
    }
    long[] ticks = table.sorted();
    if (ticks.length == 0) {
      throw new VideoException(
          Reason.DECODE_FAILED,
          "The video track has no frame that can be decoded. Expected at least one.");
    }
    FrameTimes times = new FrameTimes(ticks, header.tickNumerator(), header.tickDenominator());
    return times.withNominalRate(header.nominalRate());
  }

  /** Decodes every picture of a list once: one that cannot be read is named, not replaced. */
  private void checkPictures(
      Path file, StreamHeader header, FrameTimes times, Cancellation cancellation) {
    List<String> strict = List.of("-err_detect", "crccheck+explode");
    long[] decoded = readFrames(file, header, strict, cancellation).sorted();
    for (int i = 0; i < times.count(); i++) {
      if (Arrays.binarySearch(decoded, times.ticks(i)) < 0) {
        throw Picture.bad(i, "cannot be decoded");
      }
    }
  }

  private TimeTable readPackets(Path file, StreamHeader header, Cancellation cancellation) {
    List<String> arguments = new ArrayList<>(AllowedMedia.common());
    arguments.addAll(List.of("-select_streams", Integer.toString(header.index())));
    arguments.addAll(List.of("-show_entries", "packet=pts,flags", "-of", "csv=p=0"));
    arguments.addAll(AllowedMedia.probeInput(file));
    return readTable(program.ffprobeCommand(limits, arguments), cancellation);
  }

  /**
   * Decodes everything without converting it, with the same program and options as a later decode.
   */
  private TimeTable readFrames(
      Path file, StreamHeader header, List<String> options, Cancellation cancellation) {
    List<String> arguments = new ArrayList<>(AllowedMedia.common());
    arguments.addAll(List.of("-nostdin", "-copyts", "-threads", "2"));
    arguments.addAll(List.of("-max_pixels", Long.toString(limits.maxPixels())));
    arguments.addAll(options);
    arguments.addAll(AllowedMedia.decodeInput(file));
    arguments.addAll(List.of("-map", "0:" + header.index()));
    arguments.addAll(List.of("-fps_mode", "passthrough", "-enc_time_base", "demux"));
    arguments.addAll(List.of("-stats_enc_pre", "pipe:1", "-stats_enc_pre_fmt", "{pts}"));
    arguments.addAll(List.of("-f", "null", "-"));
    return readTable(program.ffmpegCommand(limits, arguments), cancellation);
  }

  private TimeTable readTable(List<String> command, Cancellation cancellation) {
    try (ChildProcess child = start(command, cancellation)) {
      TimeTable table = new TimeTable(limits.maxWalkedFrames());
      try {
        table.readAll(child.stdout());
      } catch (IOException e) {
        throw child.broken(e);
      }
      int exit = child.awaitExit();
      log.debug("the child ended with {}: {}", exit, child.lastLines());
      if (crashed(exit)) {
        throw failed();
      }
      return table;
    }
  }

  private static boolean crashed(int exit) {
    return exit >= 127;
  }

  private static VideoException failed() {
    return new VideoException(Reason.DECODE_FAILED, "The video decoder failed on this file.");
  }

  private VideoInfo describe(StreamHeader header, FrameTimes times) {
    int last = times.count() - 1;
    double span = times.secondsFromStart(last);
    double interval =
        last > 0 ? span / last : header.averageRate() > 0 ? 1 / header.averageRate() : 0;
    double duration = span + interval;
    checkDuration(duration);
    List<String> warnings = new ArrayList<>();
    String cut = cutShort(header, times, duration);
    if (cut != null) {
      warnings.add(cut);
    }
    return new VideoInfo(
        header.container(),
        header.codec(),
        header.width(),
        header.height(),
        header.rotation(),
        duration,
        times,
        header.index(),
        header.audioTracks(),
        warnings);
  }

  /**
   * Headers are written before or after the frames, so a file that lost its end announces more than
   * it has.
   */
  private static @Nullable String cutShort(StreamHeader header, FrameTimes times, double duration) {
    double missing = header.announcedSeconds() - (times.seconds(times.count() - 1));
    boolean muchShorter = missing > Math.max(1.0, 3 * duration / times.count());
    if (header.announcedFrames() > times.count() * 1.02 + 2 || muchShorter) {
      return String.format(
          Locale.ROOT,
          "The file is cut off or damaged: it announces %.2f seconds, but has frames for %.2f seconds.",
          header.announcedSeconds(),
          duration);
    }
    return null;
  }

  private ChildProcess start(List<String> command, Cancellation cancellation) {
    return ChildProcess.start(command, program.environment(), limits.wallClock(), cancellation);
  }
}
