package vidfold.server.engine;

/** The bounded queue of questions is full. */
public final class QueueFullException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public QueueFullException(int limit) {
    super("the queue is full: " + limit + " questions are waiting; try again later");
  }
}
