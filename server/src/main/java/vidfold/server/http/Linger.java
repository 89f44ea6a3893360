package vidfold.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import java.time.Duration;

/**
 * The end of a connection: closes it towards the client, then reads past what the client still
 * sends, for a while. Closing at once would answer those bytes with a reset, and the reset would
 * overtake the response.
 */
@SuppressWarnings("FutureReturnValueIgnored") // nothing is left to do when closing fails
final class Linger extends ChannelInboundHandlerAdapter {
  private static final Duration LONGEST = Duration.ofSeconds(2);

  private final Channel channel;
  private final Deadline deadline;

  Linger(Channel channel) {
    this.channel = channel;
    this.deadline = new Deadline(channel.eventLoop());
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    if (channel instanceof DuplexChannel duplex && channel.isActive()) {
      duplex.shutdownOutput();
      deadline.set(LONGEST, channel::close);
      channel.config().setAutoRead(true);
    } else {
      channel.close();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ReferenceCountUtil.release(message);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    deadline.cancel();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    channel.close();
  }
}
