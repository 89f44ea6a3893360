package vidfold.checkpoint;

/**
 * A checkpoint folder that cannot be used. The message names the file, the key or tensor, what was
 * found and what was expected.
 */
public final class CheckpointException extends RuntimeException {

  /** A defect of one file; {@code problem} goes on with the key or tensor, found and expected. */
  public CheckpointException(String file, String problem) {
    super(file + ": " + problem);
  }

  /** A defect of one file that shows as another exception. */
  public CheckpointException(String file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }
}
