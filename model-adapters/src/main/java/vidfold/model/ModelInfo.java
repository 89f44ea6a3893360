package vidfold.model;

/**
 * What a loaded model is.
 *
 * @param name the checkpoint folder's name
 * @param family the adapter: {@code qwen2-vl}, {@code qwen2.5-vl}, {@code llava-video} or {@code
 *     llava-onevision}
 * @param digest {@code sha256:} and the hex digest of the checkpoint
 * @param device {@code cpu} or {@code cuda:0}
 * @param dtype {@code f32} or {@code bf16}
 * @param weights {@code stored} or {@code int8}
 * @param layers number of decoder layers L
 * @param contextLength the most positions a sequence may have
 * @param defaultMergeLayer decoder layer before which visual tokens are merged, unless asked
 * @param prefillChunk the most tokens one prefill call takes
 * @param kvBytesPerToken bytes of KV that one token takes over all layers
 */
public record ModelInfo(
    String name,
    String family,
    String digest,
    String device,
    String dtype,
    String weights,
    int layers,
    int contextLength,
    int defaultMergeLayer,
    int prefillChunk,
    long kvBytesPerToken) {}
