package vidfold.server.engine;

/** A video of a tenant. */
record VideoKey(String tenant, String videoId) {}
