/** The command line. */
@NullMarked
package vidfold.cli;

import org.jspecify.annotations.NullMarked;
