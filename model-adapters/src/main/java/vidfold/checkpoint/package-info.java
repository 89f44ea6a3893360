/** Hugging Face checkpoint folders: configuration files and mapped safetensors. */
@NullMarked
package vidfold.checkpoint;

import org.jspecify.annotations.NullMarked;
