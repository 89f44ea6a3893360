package vidfold.server.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import vidfold.torch.TorchConfig;

/**
 * The model.
 *
 * @param folder its checkpoint, or null for the embedded one
 * @param torch what it runs on
 */
public record ModelConfig(@Nullable Path folder, TorchConfig torch) {}
