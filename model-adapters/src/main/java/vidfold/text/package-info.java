/** Tokenizer, chat template and incremental detokenizer. */
@NullMarked
package vidfold.text;

import org.jspecify.annotations.NullMarked;
