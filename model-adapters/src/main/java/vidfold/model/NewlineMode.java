package vidfold.model;

import java.util.Locale;

/** Where LLaVA puts its learned newline vector among the visual tokens of a video. */
enum NewlineMode {
  /** Nowhere. */
  NO_TOKEN,
  /** After every row of every frame. */
  GRID,
  /** After every frame. */
  FRAME,
  /** Once, after the last token. */
  ONE_TOKEN;

  /** The name in {@code mm_newline_position}. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** How many pieces of a video are followed by a newline; 0 is none. */
  int pieces(VisualGrid grid) {
    return switch (this) {
      case NO_TOKEN -> 0;
      case GRID -> grid.steps() * grid.rows();
      case FRAME -> grid.steps();
      case ONE_TOKEN -> 1;
    };
  }

  /**
   * What is left of it for a video that is to be merged: merged tokens have no rows and frames that
   * end, and the STTM paper drops these newlines, too (arXiv 2507.07990, appendix).
   */
  NewlineMode whenMerged() {
    return this == ONE_TOKEN ? ONE_TOKEN : NO_TOKEN;
  }
}
