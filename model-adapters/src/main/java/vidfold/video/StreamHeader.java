package vidfold.video;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import vidfold.video.VideoException.Reason;

/**
 * What the container announces about its first moving picture; read from ffprobe's JSON, nothing of
 * it is trusted yet.
 *
 * @param tickNumerator seconds per tick, numerator
 * @param tickDenominator seconds per tick, denominator
 * @param announcedSeconds duration that the headers state, 0 when they do not
 * @param announcedFrames number of frames that the headers state, 0 when they do not
 * @param averageRate frames per second on average, 0 when unknown
 * @param nominalRate the rate of which all times are multiples, a guess; 0 when unknown
 */
record StreamHeader(
    String container,
    String codec,
    int index,
    int width,
    int height,
    int rotation,
    long tickNumerator,
    long tickDenominator,
    double announcedSeconds,
    long announcedFrames,
    double averageRate,
    double nominalRate,
    int audioTracks) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** ffprobe arguments that print what {@link #parse} reads. */
  static final List<String> ARGUMENTS =
      List.of(
          "-show_entries",
          "format=format_name,duration:format_tags=major_brand"
              + ":stream=index,codec_name,codec_type,width,height,time_base,duration,nb_frames,avg_frame_rate,r_frame_rate"
              + ":stream_disposition=attached_pic,timed_thumbnails,still_image"
              + ":stream_side_data=rotation",
          "-of",
          "json=compact=1");

  /** Parses ffprobe's description; empty when it has no container at all. */
  static Optional<StreamHeader> parse(String json) {
    JsonNode root = read(json);
    JsonNode format = root.path("format");
    if (!format.has("format_name")) {
      return Optional.empty();
    }
    List<JsonNode> videos = new ArrayList<>();
    int audio = 0;
    for (JsonNode stream : root.path("streams")) {
      String type = stream.path("codec_type").asText();
      if (type.equals("video") && !isPicture(stream)) {
        videos.add(stream);
      }
      audio += type.equals("audio") ? 1 : 0;
    }
    if (AllowedMedia.isPictureBrand(format.path("tags").path("major_brand").asText())) {
      throw new VideoException(Reason.NOT_A_VIDEO, "This file is a picture. Expected a video.");
    }
    if (videos.isEmpty()) {
      throw new VideoException(Reason.NO_VIDEO_STREAM, noVideo(audio));
    }
    return Optional.of(of(format, videos.get(0), audio));
  }

  private static StreamHeader of(JsonNode format, JsonNode stream, int audioTracks) {
    int rotation = rotation(stream);
    boolean turned = rotation % 180 != 0;
    int width = stream.path("width").asInt();
    int height = stream.path("height").asInt();
    long[] tick = fraction(stream.path("time_base").asText());
    double seconds = stream.path("duration").asDouble();
    return new StreamHeader(
        isPictureClip(format) ? PictureClip.CONTAINER : format.path("format_name").asText(),
        stream.path("codec_name").asText("unknown"),
        stream.path("index").asInt(),
        turned ? height : width,
        turned ? width : height,
        rotation,
        tick[0],
        tick[1],
        seconds > 0 ? seconds : format.path("duration").asDouble(),
        stream.path("nb_frames").asLong(),
        rate(stream, "avg_frame_rate"),
        rate(stream, "r_frame_rate"),
        audioTracks);
  }

  private static boolean isPictureClip(JsonNode format) {
    return format.path("tags").path("major_brand").asText().equals(PictureClip.BRAND);
  }

  private static boolean isPicture(JsonNode stream) {
    JsonNode disposition = stream.path("disposition");
    return disposition.path("attached_pic").asInt() != 0
        || disposition.path("timed_thumbnails").asInt() != 0
        || disposition.path("still_image").asInt() != 0;
  }

  private static String noVideo(int audio) {
    String found =
        audio == 0
            ? "no audio and no video"
            : audio == 1 ? "one audio track" : audio + " audio tracks";
    return "This file has no video track, only " + found + ". Expected at least one video track.";
  }

  /** ffprobe states the turn counter-clockwise, from -180 to 180. */
  private static int rotation(JsonNode stream) {
    for (JsonNode data : stream.path("side_data_list")) {
      if (data.has("rotation")) {
        int quarters = (int) Math.round(-data.path("rotation").asDouble() / 90);
        return Math.floorMod(quarters, 4) * 90;
      }
    }
    return 0;
  }

  private static double rate(JsonNode stream, String field) {
    long[] rate = fraction(stream.path(field).asText());
    return rate[1] > 0 ? (double) rate[0] / rate[1] : 0;
  }

  private static long[] fraction(String text) {
    String[] parts = text.split("/", 2);
    try {
      return new long[] {Long.parseLong(parts[0]), parts.length > 1 ? Long.parseLong(parts[1]) : 1};
    } catch (NumberFormatException e) {
      return new long[] {0, 0};
    }
  }

  private static JsonNode read(String json) {
    try {
      return json.isBlank() ? JSON.createObjectNode() : JSON.readTree(json);
    } catch (JsonProcessingException e) {
      return JSON.createObjectNode();
    }
  }
}
