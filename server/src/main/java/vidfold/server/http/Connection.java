package vidfold.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection: a request at a time, head, body, answer.
 *
 * <p>Nothing is read unless it is asked for: the body as fast as its receiver takes it, and after
 * it one message ahead, so that a client that leaves is noticed while it is being answered. A next
 * request that comes meanwhile (pipelining) waits in {@link #next}. Confined to its event loop,
 * {@link #onLoop} excepted.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what fails closes the channel, which is heard of
final class Connection extends ChannelInboundHandlerAdapter {
  private static final Logger log = LoggerFactory.getLogger(Connection.class);

  /** Tells a connection that the server stops: it ends as soon as it serves no request. */
  static final Object DRAIN = new Object();

  private final Channel channel;
  private final EventLoop loop;
  private final Wiring wiring;
  private final Deadline headDeadline;
  private final BodyClock bodyClock;

  private @Nullable Exchange exchange;
  private @Nullable RequestBody body;
  private boolean bodyEnded;
  private int status;
  private boolean wanting;
  private @Nullable HttpRequest next;

  Connection(Channel channel, Wiring wiring) {
    this.channel = channel;
    this.loop = channel.eventLoop();
    this.wiring = wiring;
    this.headDeadline = new Deadline(loop);
    this.bodyClock = new BodyClock(loop, wiring.config().idleTimeout());
  }

  HttpConfig config() {
    return wiring.config();
  }

  /** Runs work on the event loop; drops it when the server is gone. */
  void onLoop(Runnable work) {
    if (loop.inEventLoop()) {
      work.run();
    } else {
      later(work);
    }
  }

  EventLoop loop() {
    return loop;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    if (wiring.draining().getAsBoolean()) {
      channel.close();
      return;
    }
    awaitHead();
    read();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    wanting = false;
    if (message instanceof HttpRequest head) {
      if (exchange == null) {
        begin(head);
      } else {
        next = head;
      }
    } else if (message instanceof HttpContent content) {
      bodyArrived(content);
    } else {
      ReferenceCountUtil.release(message);
    }
  }

  /** Asks for one message. */
  private void read() {
    wanting = true;
    channel.read();
  }

  /** Bytes came, but what came may not have made up a message. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (wanting) {
      channel.read();
    }
  }

  private void awaitHead() {
    headDeadline.set(config().idleTimeout(), channel::close);
  }

  private void begin(HttpRequest head) {
    headDeadline.cancel();
    Exchange begun =
        new Exchange(this, head, wiring.ids().of(head.headers().get(RequestIds.HEADER)));
    exchange = begun;
    status = 0;
    bodyEnded = head instanceof LastHttpContent;
    wiring.access().began();
    try {
      RequestRules.check(head);
      body = wiring.router().open(begun);
      receive(begun, invited(begun));
    } catch (RuntimeException e) {
      refuse(begun, e);
    }
  }

  /** Answers a request that is not served; without a body to come, the connection stays. */
  private void refuse(Exchange refused, RuntimeException failure) {
    if (bodyEnded || refused.head().decoderResult().isFailure() || refused.announcesBody()) {
      refused.fail(failure);
      return;
    }
    body = new IgnoredBody(refused, asked -> asked.fail(failure));
    receive(refused, CompletableFuture.completedFuture(null));
  }

  /** Completes when the body may be read; a client that waits to be told is told. */
  private CompletableFuture<Void> invited(Exchange begun) {
    CompletableFuture<Void> ready = body().ready();
    if (!HttpUtil.is100ContinueExpected(begun.head()) || !begun.announcesBody()) {
      return ready;
    }
    return ready.thenRun(
        () ->
            onLoop(
                () -> {
                  if (isOpen(begun)) {
                    Responses.invite(channel);
                  }
                }));
  }

  /** Reads the next piece of the body when the receiver is done with the last one. */
  private void receive(Exchange receiver, CompletableFuture<Void> step) {
    step.whenComplete(
        (nothing, failure) ->
            later(
                () -> {
                  if (!isOpen(receiver)) {
                    return;
                  }
                  if (failure != null) {
                    receiver.fail(failure);
                  } else {
                    bodyClock.await(() -> timedOut(receiver));
                    read();
                  }
                }));
  }

  private void timedOut(Exchange receiver) {
    if (isOpen(receiver)) {
      receiver.fail(
          Problem.of(408, "request-timeout", "The body of the request did not arrive in time.")
              .asException());
    }
  }

  private void bodyArrived(HttpContent content) {
    Exchange receiver = exchange;
    if (receiver == null || bodyEnded || !isOpen(receiver)) {
      content.release();
      return;
    }
    if (content.decoderResult().isFailure()) {
      content.release();
      receiver.fail(Problems.malformed(content.decoderResult().cause()).asException());
      return;
    }
    boolean last = content instanceof LastHttpContent;
    bodyClock.arrived(content.content().readableBytes());
    CompletableFuture<Void> taken = take(content.content());
    if (last) {
      end(receiver, taken);
    } else {
      receive(receiver, taken);
    }
  }

  private CompletableFuture<Void> take(ByteBuf bytes) {
    if (!bytes.isReadable()) {
      bytes.release();
      return CompletableFuture.completedFuture(null);
    }
    return body().take(bytes);
  }

  private void end(Exchange receiver, CompletableFuture<Void> taken) {
    bodyEnded = true;
    bodyClock.stop();
    read();
    taken.whenComplete((nothing, failure) -> onLoop(() -> serve(receiver, failure)));
  }

  /** Hands over a request that has wholly arrived. */
  private void serve(Exchange receiver, @Nullable Throwable failure) {
    if (!isOpen(receiver)) {
      return;
    }
    if (failure != null) {
      receiver.fail(failure);
      return;
    }
    RequestBody whole = body();
    body = null;
    try {
      whole.end();
    } catch (RuntimeException e) {
      whole.abort();
      receiver.fail(e);
    }
  }

  private RequestBody body() {
    RequestBody present = body;
    if (present == null) {
      throw new IllegalStateException("no request has been begun");
    }
    return present;
  }

  /** Drops a body that was not handed over. */
  private void abortBody() {
    RequestBody present = body;
    if (present != null) {
      body = null;
      present.abort();
    }
  }

  /** Whether this request is being served and nothing has been answered yet. */
  boolean isOpen(Exchange asked) {
    return exchange == asked && status == 0;
  }

  /** Sends a whole response, unless there is one already. */
  void answer(Exchange asked, Reply reply) {
    if (isOpen(asked)) {
      boolean keep = keepsAlive(asked);
      answered(reply.status());
      finishWith(asked, Responses.whole(channel, asked, reply, keep), keep);
    }
  }

  /** Begins a response whose length is unknown; false when there is a response already. */
  boolean beginStream(Exchange asked, String mediaType) {
    if (!isOpen(asked)) {
      return false;
    }
    answered(HttpResponseStatus.OK.code());
    Responses.begin(channel, asked, mediaType);
    return true;
  }

  /** Sends a piece of a response that was begun as a stream. */
  void stream(Exchange asked, ByteBuf piece) {
    if (exchange == asked) {
      channel.writeAndFlush(new DefaultHttpContent(piece));
    } else {
      piece.release();
    }
  }

  void endStream(Exchange asked) {
    if (exchange == asked) {
      finishWith(asked, channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT), false);
    }
  }

  private void answered(int code) {
    status = code;
    bodyClock.stop();
    abortBody();
  }

  private boolean keepsAlive(Exchange asked) {
    return bodyEnded
        && !asked.head().decoderResult().isFailure()
        && HttpUtil.isKeepAlive(asked.head())
        && !wiring.draining().getAsBoolean();
  }

  private void finishWith(Exchange asked, ChannelFuture written, boolean keep) {
    written.addListener(
        done -> {
          if (!done.isSuccess()) {
            channel.close();
          } else if (exchange == asked) {
            finished(asked, keep);
          }
        });
  }

  private void finished(Exchange asked, boolean keep) {
    wiring.access().ended(asked, status);
    exchange = null;
    body = null;
    if (keep && !wiring.draining().getAsBoolean()) {
      later(this::turnToNext);
    } else {
      releaseNext();
      channel.pipeline().replace(this, null, new Linger(channel));
    }
  }

  private void turnToNext() {
    if (exchange != null || !channel.isActive()) {
      return;
    }
    HttpRequest waiting = next;
    next = null;
    if (waiting != null) {
      begin(waiting);
    } else {
      awaitHead();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == DRAIN && exchange == null) {
      channel.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    headDeadline.cancel();
    bodyClock.stop();
    releaseNext();
    Exchange left = exchange;
    if (left == null) {
      return;
    }
    exchange = null;
    abortBody();
    wiring.access().ended(left, status == 0 ? AccessLog.CLIENT_LEFT : status);
    left.disconnected();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException) {
      log.debug("a connection broke", cause);
    } else {
      log.warn("a connection is closed", cause);
    }
    channel.close();
  }

  private void releaseNext() {
    ReferenceCountUtil.release(next);
    next = null;
  }

  /** Runs work on the loop in a turn of its own, so that long chains do not deepen the stack. */
  private void later(Runnable work) {
    try {
      loop.execute(work);
    } catch (RejectedExecutionException stopped) {
      log.debug("the server has stopped");
    }
  }
}
