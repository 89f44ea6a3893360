package vidfold.video;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Small clips whose every frame shows its own number, made by the bundled ffmpeg when first asked
 * for and kept in a temporary folder until the JVM ends.
 *
 * <p>A frame is {@value #WIDTH} x {@value #HEIGHT} pixels: {@value #BITS} vertical bars, bar b
 * white where bit b of the frame's number is set. {@link #frameNumber} reads it back, from any
 * size.
 */
public final class TestClips {
  public static final int WIDTH = 160;
  public static final int HEIGHT = 96;
  public static final int BITS = 10;

  private static final TestClips SHARED = new TestClips();
  private static final String H264 = "-c:v libopenh264 -b:v 2M -allow_skip_frames 0";

  private final Path folder;
  private final FfmpegProgram program;
  private final Map<String, Path> made = new ConcurrentHashMap<>();

  private TestClips() {
    try {
      folder = Files.createTempDirectory("vidfold-clips");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    program = FfmpegProgram.bundled(Path.of("target", "ffmpeg-cache"));
    Runtime.getRuntime().addShutdownHook(new Thread(this::delete));
  }

  /** The clips of this JVM. */
  public static TestClips shared() {
    return SHARED;
  }

  /** The program that makes them. */
  public FfmpegProgram program() {
    return program;
  }

  /** 3 s of H.264 at 30 frames a second, 90 frames. */
  public Path h264Mp4() {
    return encode("h264.mp4", numbered(30, 3), H264);
  }

  /** The same picture as {@link #h264Mp4} with a sound track. */
  public Path withAudio() {
    return encode(
        "sound.mp4",
        numbered(30, 3) + "[v];sine=f=440:d=3[a]",
        "-map [v] -map [a] -c:a aac " + H264);
  }

  /** 2 s of VP9 at 25 frames a second, 50 frames. */
  public Path vp9Webm() {
    return encode(
        "vp9.webm", numbered(25, 2), "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M");
  }

  /** 2 s of VP8 at 25 frames a second, 50 frames, with hidden reference frames. */
  public Path vp8Webm() {
    return encode(
        "vp8.webm", numbered(25, 2), "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -b:v 1M");
  }

  /**
   * MPEG-4 with two B-frames between references: packets are not in display order. 60 frames at 30.
   */
  public Path withBFrames() {
    return encode("bframes.mp4", numbered(30, 2), "-c:v mpeg4 -bf 2 -b:v 2M");
  }

  /** The same B-frames in AVI, which stores no presentation times. */
  public Path withoutPresentationTimes() {
    return encode("bframes.avi", numbered(30, 2), "-c:v mpeg4 -bf 2 -b:v 2M");
  }

  /** MPEG-2 in a transport stream, whose times do not begin at 0. 50 frames at 25. */
  public Path transportStream() {
    return encode("stream.ts", numbered(25, 2), "-c:v mpeg2video -b:v 2M");
  }

  /** QuickTime, stored upright but shown turned: 10 frames. */
  public Path rotated(int clockwise) {
    Path upright = encode("upright.mov", numbered(10, 1), H264);
    return make(
        "rotated" + clockwise + ".mov",
        file ->
            run(
                List.of(
                    "-display_rotation", Integer.toString(-clockwise), "-i", upright.toString()),
                "-c copy",
                file));
  }

  /** Matroska at a variable rate: frame n of 20 is shown at n * n * 10 milliseconds. */
  public Path variableRate() {
    return encode(
        "variable.mkv",
        numbered(20, 1) + ",settb=1/1000,setpts=N*N*10",
        "-fps_mode passthrough -enc_time_base 1:1000 " + H264);
  }

  /** 4 s at 60 frames a second, 240 frames. */
  public Path sixtyFps() {
    return encode("sixty.mp4", numbered(60, 4), H264);
  }

  /** One frame. */
  public Path oneFrame() {
    return encode("one.mp4", numbered(30, 3), "-frames:v 1 " + H264);
  }

  /** 60 frames at 30, each a key frame. */
  public Path keyFramesOnly() {
    return encode("keys.mp4", numbered(30, 2), "-g 1 " + H264);
  }

  /** 40 s of moving pattern, 1280 x 720: seconds of work for a decoder. */
  public Path large() {
    return encode(
        "large.mp4", "testsrc2=s=1280x720:r=30:d=40,format=yuv420p", "-c:v mpeg4 -b:v 4M");
  }

  /** Fully red, green and blue for a second each, in H.264 tagged BT.709 or BT.601. */
  public Path colours(String matrix) {
    String standard = matrix.equals("bt709") ? "bt709" : "smpte170m";
    return encode(
        "colours-" + matrix + ".mp4",
        "color=red:s=64x64:r=10:d=1[r];color=lime:s=64x64:r=10:d=1[g];color=blue:s=64x64:r=10:d=1[b];"
            + "[r][g][b]concat=n=3:v=1,format=gbrp,scale=out_color_matrix="
            + matrix
            + ":out_range=tv,format=yuv420p",
        "-colorspace " + standard + " -color_range tv " + H264);
  }

  /** Sound only. */
  public Path audioOnly() {
    return encode("sound.m4a", "sine=f=440:d=2", "-c:a aac");
  }

  /** Sound with a cover picture. */
  public Path audioWithCover() {
    return encode(
        "cover.mp4",
        "color=red:s=64x64:r=1:d=1,format=yuvj420p[v];sine=f=440:d=2[a]",
        "-map [v] -map [a] -c:a aac -c:v mjpeg -frames:v 1 -disposition:v attached_pic");
  }

  /** A codec that is not read, in a container that is. */
  public Path unsupportedCodec() {
    return encode("ffv1.mkv", numbered(10, 1), "-c:v ffv1");
  }

  /** A container that is not read. */
  public Path unsupportedContainer() {
    return encode("clip.nut", numbered(10, 1), "-c:v mpeg4");
  }

  /** No byte. */
  public Path empty() {
    return make("empty.mp4", file -> Files.write(file, new byte[0]));
  }

  /** Prose under the name of a video. */
  public Path text() {
    return make("text.mp4", file -> Files.writeString(file, "This is not a video.\n".repeat(200)));
  }

  /** A file without its table of contents, which this clip keeps at the end. */
  public Path truncatedMp4() {
    return head("truncated.mp4", h264Mp4(), 0.6);
  }

  /** The first part of a Matroska file, playable as far as it goes. */
  public Path truncatedMkv() {
    Path whole = encode("whole.mkv", numbered(30, 3), "-g 1 " + H264);
    return head("truncated.mkv", whole, 0.5);
  }

  /** {@link #keyFramesOnly} with the pictures of these frames overwritten. */
  public Path broken(String name, int... frames) {
    Path whole = keyFramesOnly();
    return make(
        name,
        file -> {
          Files.copy(whole, file);
          List<long[]> packets = packets(whole);
          try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            for (int frame : frames) {
              bytes.seek(packets.get(frame)[0]);
              bytes.write(new byte[(int) packets.get(frame)[1]]);
            }
          }
        });
  }

  /** A copy under another name, below a folder of its own. */
  public Path copyAs(Path clip, String name) {
    return make(
        "named/" + name,
        file -> {
          Files.createDirectories(file.getParent());
          Files.copy(clip, file);
        });
  }

  /**
   * Writes an ffmpeg and an ffprobe that make a folder at every start, since they may not write to
   * files, and then are the bundled ones.
   */
  public void countedPrograms(Path into, Path starts) throws IOException {
    for (String name : List.of("ffmpeg", "ffprobe")) {
      StringBuilder script = new StringBuilder("#!/bin/sh\n");
      program
          .environment()
          .forEach((key, value) -> script.append("export %s='%s'\n".formatted(key, value)));
      script.append("mkdir -p '%s/'$$\n".formatted(starts.toAbsolutePath()));
      Path real = program.ffmpeg().resolveSibling(name).toAbsolutePath();
      script.append("exec '%s' \"$@\"\n".formatted(real));
      Path file = Files.writeString(into.resolve(name), script);
      if (!file.toFile().setExecutable(true)) {
        throw new IOException(file + " cannot be made executable");
      }
    }
  }

  /** Reads the number of a frame back from its bars; pixels are RGB24. */
  public static int frameNumber(ByteBuffer rgb, int width, int height) {
    int number = 0;
    for (int bit = 0; bit < BITS; bit++) {
      int x = (2 * bit + 1) * width / (2 * BITS);
      int green = rgb.get(3 * (height / 2 * width + x) + 1) & 0xff;
      number |= (green > 127 ? 1 : 0) << bit;
    }
    return number;
  }

  private static String numbered(int rate, int seconds) {
    return "color=black:s=%dx%d:r=%d:d=%d,format=yuv420p".formatted(WIDTH, HEIGHT, rate, seconds)
        + ",geq=lum='if(mod(floor(N/pow(2,floor(X*%d/W))),2),235,16)':cb=128:cr=128"
            .formatted(BITS);
  }

  private interface Maker {
    void make(Path file) throws IOException;
  }

  private Path make(String name, Maker maker) {
    return made.computeIfAbsent(
        name,
        key -> {
          try {
            Path file = folder.resolve(key);
            maker.make(file);
            return file;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private Path encode(String name, String graph, String options) {
    Path file = folder.resolve(name);
    if (!made.containsKey(name)) {
      synchronized (this) {
        if (!made.containsKey(name)) {
          run(List.of("-filter_complex", graph), options, file);
          made.put(name, file);
        }
      }
    }
    return file;
  }

  private Path head(String name, Path whole, double part) {
    return make(
        name,
        file -> {
          byte[] bytes = Files.readAllBytes(whole);
          Files.write(file, Arrays.copyOf(bytes, (int) (bytes.length * part)));
        });
  }

  private void run(List<String> input, String options, Path file) {
    List<String> command =
        new ArrayList<>(List.of(program.ffmpeg().toString(), "-nostdin", "-hide_banner", "-y"));
    command.addAll(List.of("-loglevel", "error", "-bitexact"));
    command.addAll(input);
    command.addAll(List.of(options.split(" ")));
    command.add("file:" + file);
    execute(command);
  }

  /** Position and size in the file of every packet, in display order. */
  private List<long[]> packets(Path clip) {
    List<String> command =
        List.of(
            program.ffmpeg().resolveSibling("ffprobe").toString(),
            "-hide_banner",
            "-loglevel",
            "error",
            "-show_entries",
            "packet=pts,pos,size",
            "-of",
            "csv=p=0",
            "file:" + clip);
    List<long[]> packets = new ArrayList<>();
    for (String line : execute(command).split("\n")) {
      String[] parts = line.split(",");
      packets.add(new long[] {Long.parseLong(parts[2]), Long.parseLong(parts[1])});
    }
    return packets;
  }

  private String execute(List<String> command) {
    try (ChildProcess child =
        ChildProcess.start(
            command, program.environment(), Duration.ofMinutes(2), new Cancellation())) {
      String text = child.readAll(1 << 20);
      if (child.awaitExit() != 0) {
        throw new IllegalStateException(command + " failed: " + child.lastLines());
      }
      return text;
    }
  }

  private void delete() {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      System.err.println("cannot delete " + folder + ": " + e);
    }
  }
}
