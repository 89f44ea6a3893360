/**
 * The only door to DJL's PyTorch engine: TorchScript modules, tensor handles, scopes, devices and
 * dtypes.
 */
@NullMarked
package vidfold.torch;

import org.jspecify.annotations.NullMarked;
