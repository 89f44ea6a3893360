package vidfold.server.video;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings files and rows together again after a kill; runs before the library is used.
 *
 * <ol>
 *   <li>Uploads that did not come to their end are removed.
 *   <li>A row whose file is missing or has another length becomes failed ({@code bytes-lost}): GET
 *       still tells about it, and the same bytes uploaded again heal it under the same id.
 *   <li>A file without a row, or whose row is failed, is removed: its upload was never confirmed,
 *       its video was deleted, or it cannot be used.
 * </ol>
 */
final class Recovery {
  private static final Logger log = LoggerFactory.getLogger(Recovery.class);

  private Recovery() {}

  static void run(VideoFiles files, VideoRows rows) {
    List<Path> leftovers = files.leftovers();
    leftovers.forEach(files::delete);
    Set<Path> wanted = new HashSet<>();
    int lost = 0;
    for (VideoRecord video : rows.all()) {
      if (video.state() == VideoRecord.State.FAILED) {
        continue;
      }
      if (files.holds(video.tenant(), video.sha256(), video.bytes())) {
        wanted.add(files.stored(video.tenant(), video.sha256()));
      } else {
        rows.fail(video.tenant(), video.id(), Failures.BYTES_LOST);
        lost++;
      }
    }
    List<Path> orphans = files.allStored().stream().filter(file -> !wanted.contains(file)).toList();
    orphans.forEach(files::delete);
    if (!leftovers.isEmpty() || !orphans.isEmpty() || lost > 0) {
      log.info(
          "after an unclean end: {} half uploads and {} unused files removed, {} videos without bytes",
          leftovers.size(),
          orphans.size(),
          lost);
    }
  }
}
