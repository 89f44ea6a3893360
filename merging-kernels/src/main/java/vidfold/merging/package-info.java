/**
 * Training-free token reducers: {@code [T, H, W, C]} visual tokens in, {@code [M, C]} survivors
 * out.
 */
@NullMarked
package vidfold.merging;

import org.jspecify.annotations.NullMarked;
