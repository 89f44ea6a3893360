package vidfold.server.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import vidfold.model.WeightFormat;
import vidfold.torch.TorchConfig;

/**
 * The model.
 *
 * @param folder its checkpoint, or null for the embedded one
 * @param torch what it runs on
 * @param weights how its linear layers are kept
 */
public record ModelConfig(@Nullable Path folder, TorchConfig torch, WeightFormat weights) {}
