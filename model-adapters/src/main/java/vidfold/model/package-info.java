/** Video-LLMs: vision towers, the Qwen2 decoder, KV prefixes and positions. */
@NullMarked
package vidfold.model;

import org.jspecify.annotations.NullMarked;
