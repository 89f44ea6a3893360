package vidfold.server.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import vidfold.server.metrics.HttpMeters;

/**
 * The REST API over HTTP/1.1.
 *
 * <p>The event loops only move bytes and parse: what waits for the disk runs on the executor of
 * {@link ServerParts}, what waits for the device in the answer service. Closed before the parts it
 * serves.
 */
public final class HttpServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(HttpServer.class);
  private static final int LOOPS = 2;
  private static final int BACKLOG = 1024;

  private final HttpConfig config;
  private final Wiring wiring;
  private final AtomicInteger connections = new AtomicInteger();
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private volatile boolean draining;
  private @Nullable EventLoopGroup loops;
  private @Nullable Channel listener;

  public HttpServer(ServerParts parts, HttpConfig config) {
    this.config = config;
    HttpMeters meters = new HttpMeters(parts.meters(), connections::get);
    Router router = new Router(Routes.table(parts, meters, () -> draining));
    this.wiring =
        new Wiring(router, config, new AccessLog(meters), new RequestIds(), () -> draining);
  }

  /**
   * Begins to accept connections.
   *
   * @return the port, which is another than configured when that is 0
   * @throws UncheckedIOException when the address cannot be bound, naming it
   */
  public synchronized int start() {
    if (loops != null) {
      throw new IllegalStateException("the server was already started");
    }
    boolean epoll = Epoll.isAvailable();
    IoHandlerFactory io = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    EventLoopGroup group =
        new MultiThreadIoEventLoopGroup(LOOPS, new DefaultThreadFactory("vidfold-http", true), io);
    loops = group;
    Class<? extends ServerChannel> transport =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    Channel bound = bind(group, transport);
    listener = bound;
    int port = ((InetSocketAddress) bound.localAddress()).getPort();
    log.info("listening on {}:{}", config.host(), port);
    return port;
  }

  private Channel bind(EventLoopGroup group, Class<? extends ServerChannel> transport) {
    ChannelFuture bound =
        new ServerBootstrap()
            .group(group)
            .channel(transport)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(new Pipeline(wiring, open, connections))
            .bind(config.host(), config.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      stop(group);
      throw new UncheckedIOException(
          "cannot listen on " + config.host() + ":" + config.port() + ": " + reason(bound.cause()),
          bound.cause() instanceof IOException cause ? cause : new IOException(bound.cause()));
    }
    return bound.channel();
  }

  private static String reason(Throwable cause) {
    String message = String.valueOf(cause.getMessage());
    if (message.contains("in use")) {
      return "the address is already in use";
    }
    return message.contains("ermission denied")
        ? "this port needs a privilege that the server does not have"
        : "this is no address of this machine";
  }

  /**
   * Stops accepting, lets running requests finish for the configured grace, then closes all
   * connections, which cancels what they asked for.
   */
  @Override
  public synchronized void close() {
    EventLoopGroup group = loops;
    Channel accepting = listener;
    if (group == null || accepting == null || draining) {
      return;
    }
    draining = true;
    accepting.close().awaitUninterruptibly();
    for (Channel channel : open) {
      channel.pipeline().fireUserEventTriggered(Connection.DRAIN);
    }
    if (!open.newCloseFuture().awaitUninterruptibly(config.drainGrace().toMillis())) {
      log.warn("{} connections are closed in the middle of a request", open.size());
    }
    open.close().awaitUninterruptibly();
    stop(group);
  }

  private static void stop(EventLoopGroup group) {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
