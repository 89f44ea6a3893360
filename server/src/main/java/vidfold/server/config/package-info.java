/** The configuration: one table of keys, read once, handed to each part as its own record. */
@NullMarked
package vidfold.server.config;

import org.jspecify.annotations.NullMarked;
