package vidfold.server.engine;

/** The prefill of one question's own tokens. */
record QuestionPrefill(Answering answering, Sequence sequence) implements ChunkWork {

  @Override
  public boolean isOver() {
    return sequence.isOver();
  }

  @Override
  public boolean advance() {
    return answering.prefillChunk(sequence);
  }

  @Override
  public void fail(Throwable cause) {
    answering.fail(sequence, cause);
  }
}
