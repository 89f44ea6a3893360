package vidfold.server.engine;

import vidfold.model.ModelInfo;

/**
 * What the engine was doing at the end of its last step.
 *
 * @param model the loaded model
 * @param accepting whether questions are taken
 * @param queueDepth questions and preparations that wait
 * @param running questions being prefilled or decoded
 * @param building videos being read or encoded
 * @param prefixes prefixes in native memory, cached or in use
 * @param prefixBytes their size
 * @param visualBytes size of the visual tokens kept for further variants
 * @param conversations conversations kept between turns
 * @param conversationBytes their size
 */
public record EngineStatus(
    ModelInfo model,
    boolean accepting,
    int queueDepth,
    int running,
    int building,
    int prefixes,
    long prefixBytes,
    long visualBytes,
    int conversations,
    long conversationBytes) {}
