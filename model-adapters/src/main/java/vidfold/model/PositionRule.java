package vidfold.model;

/** How a family numbers the tokens of a prefix, before and after its video is merged. */
enum PositionRule {

  /**
   * M-RoPE: a visual token has its own time, row and column. A survivor keeps the ids of its
   * top-left cell and the text after the video keeps its ids, so both groups of layers go on at the
   * same id.
   */
  MROPE {
    @Override
    Positions video(long start, VisualGrid grid, long[] stepIds, int rows) {
      if (rows != grid.tokens()) {
        throw new IllegalArgumentException("M-RoPE has no ids for tokens outside the grid");
      }
      return Positions.video(start, stepIds, grid.rows(), grid.cols());
    }

    @Override
    Positions merged(Positions all, int start, int visual, int[] source) {
      return all.slice(0, start)
          .then(all.slice(start, start + visual).pick(source))
          .then(all.slice(start + visual, all.size()));
    }

    @Override
    long next(Positions all, Positions merged) {
      return all.next();
    }
  },

  /**
   * 1-D RoPE: tokens are numbered without gaps, survivors anew. The layers above the merge have
   * fewer tokens, so they go on at a lower id than those below: with one counter for both, the
   * first token after the prefix would be as far from it as the video was long.
   */
  CONTIGUOUS {
    @Override
    Positions video(long start, VisualGrid grid, long[] stepIds, int rows) {
      return Positions.text(start, rows);
    }

    @Override
    Positions merged(Positions all, int start, int visual, int[] source) {
      return Positions.text(0, all.size() - visual + source.length);
    }

    @Override
    long next(Positions all, Positions merged) {
      return merged.next();
    }
  };

  /**
   * Ids of a video's {@code rows} tokens, of which the first T*H*W may be its grid.
   *
   * @param stepIds temporal ids of the T steps, relative to the first
   */
  abstract Positions video(long start, VisualGrid grid, long[] stepIds, int rows);

  /**
   * Ids once the {@code visual} tokens from {@code start} on are merged.
   *
   * @param source the place of each survivor among the visual tokens
   */
  abstract Positions merged(Positions all, int start, int visual, int[] source);

  /** The first id after the prefix in the layers that see the merged tokens. */
  abstract long next(Positions all, Positions merged);
}
