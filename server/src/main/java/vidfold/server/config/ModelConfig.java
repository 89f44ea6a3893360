package vidfold.server.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import vidfold.model.LoadOptions;
import vidfold.torch.TorchConfig;

/**
 * The model.
 *
 * @param folder its checkpoint, or null for the embedded one
 * @param torch what it runs on
 * @param load how it is loaded
 */
public record ModelConfig(@Nullable Path folder, TorchConfig torch, LoadOptions load) {}
