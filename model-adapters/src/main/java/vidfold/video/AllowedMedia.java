package vidfold.video;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The containers and codecs that are read, and the ffmpeg options that keep every other one shut.
 */
final class AllowedMedia {
  /** ffmpeg's demuxer names. */
  private static final List<String> DEMUXERS =
      List.of("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "ogg", "flv", "asf");

  /** Codec name to the decoders that may decode it. */
  private static final Map<String, List<String>> DECODERS =
      Map.ofEntries(
          Map.entry("h264", List.of("h264")),
          Map.entry("hevc", List.of("hevc")),
          Map.entry("vp8", List.of("vp8")),
          Map.entry("vp9", List.of("vp9")),
          Map.entry("av1", List.of("libdav1d", "libaom-av1", "av1")),
          Map.entry("mpeg4", List.of("mpeg4")),
          Map.entry("mpeg1video", List.of("mpeg1video")),
          Map.entry("mpeg2video", List.of("mpeg2video")),
          Map.entry("theora", List.of("theora")),
          Map.entry("flv1", List.of("flv")),
          Map.entry("h263", List.of("h263")),
          Map.entry("wmv1", List.of("wmv1")),
          Map.entry("wmv2", List.of("wmv2")),
          Map.entry("wmv3", List.of("wmv3")),
          Map.entry("vc1", List.of("vc1")),
          Map.entry("msmpeg4v2", List.of("msmpeg4v2")),
          Map.entry("msmpeg4v3", List.of("msmpeg4")),
          Map.entry("mjpeg", List.of("mjpeg")),
          Map.entry("png", List.of("png")));

  /**
   * Decoders that ffprobe opens, and never feeds, for the tracks beside the picture; it refuses a
   * file when it may not open one.
   */
  private static final List<String> COMPANIONS =
      List.of(
          "aac,aac_latm,ac3,eac3,alac,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,dca,flac,mlp,truehd",
          "mp1float,mp2float,mp3float,mp1,mp2,mp3,opus,libopus,vorbis,speex,libspeex,nellymoser",
          "wmav1,wmav2,wmapro,wmalossless,wmavoice,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,gsm,gsm_ms,qdm2",
          "pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_s8,pcm_u8,pcm_s16be,pcm_s16le",
          "pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le",
          "ssa,ass,srt,subrip,mov_text,webvtt,text,dvbsub,dvdsub,pgssub,xsub");

  /** First bytes of video containers that are known but not read. */
  private static final Map<String, String> OTHER_CONTAINERS =
      Map.of(
          ".RMF", "RealMedia",
          "YUV4MPEG2", "YUV4MPEG",
          "DKIF", "IVF",
          "GIF8", "GIF",
          "nut/multimedia container", "NUT",
          "\u0006\u000e+4", "MXF");

  /** Brands of the MP4 family that announce pictures, not a video. */
  private static final Set<String> PICTURE_BRANDS =
      Set.of("avif", "avis", "mif1", "msf1", "heic", "heix", "heim", "heis", "hevc", "hevx");

  /** What is read, for messages. */
  static final String CONTAINERS = "MP4, MOV, MKV, WebM, AVI, MPEG, OGG, FLV and ASF";

  static final String CODECS =
      "H.264, H.265, VP8, VP9, AV1, MPEG-1/2/4, Theora, H.263, WMV and Motion JPEG";

  private static final long MAX_ALLOCATION = 512L << 20;

  private AllowedMedia() {}

  /** The input of ffmpeg: only local files, only allowed demuxers, only decoders of pictures. */
  static List<String> decodeInput(Path file) {
    return input(file, pictureDecoders());
  }

  /** The input of ffprobe, which also looks at the tracks beside the picture. */
  static List<String> probeInput(Path file) {
    return input(file, pictureDecoders() + "," + String.join(",", COMPANIONS));
  }

  private static String pictureDecoders() {
    return String.join(",", DECODERS.values().stream().flatMap(List::stream).sorted().toList());
  }

  private static List<String> input(Path file, String decoders) {
    return List.of(
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        String.join(",", DEMUXERS),
        "-codec_whitelist",
        decoders,
        "-i",
        "file:" + file.toAbsolutePath());
  }

  /** Options of both programs that come first. */
  static List<String> common() {
    return List.of(
        "-hide_banner",
        "-loglevel",
        "repeat+level+warning",
        "-max_alloc",
        Long.toString(MAX_ALLOCATION));
  }

  static boolean decodes(String codec) {
    return DECODERS.containsKey(codec);
  }

  static boolean isPictureBrand(String brand) {
    return PICTURE_BRANDS.contains(brand.strip());
  }

  /** The name of a known container that is not read, by the first bytes of the file. */
  static @Nullable String otherContainer(byte[] head) {
    String text = new String(head, StandardCharsets.ISO_8859_1);
    for (Map.Entry<String, String> entry : OTHER_CONTAINERS.entrySet()) {
      if (text.startsWith(entry.getKey())) {
        return entry.getValue();
      }
    }
    return null;
  }
}
