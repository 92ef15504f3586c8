/** A WebSocket endpoint out of an operator. */
import { isObservable, Observable, Subscriber } from 'rxjs';
import { HandlerError, messageOf, OptionError } from '../../errors.js';
import type { EncodedMessage } from '../../protocol/encoded-message.js';
import { openWebSocket } from './as-channel.js';
import { type ChannelOptions, checkOptions } from './channel-options.js';
import type { Message } from './codec.js';
import { eachRequest } from '../each-request.js';
import type { Handler } from '../handler.js';
import type { LineChannel } from './line-channel.js';
import { type Faucet, isPausable, PausableSource, type PausableSubscription } from '../demand/pausable.js';
import type { HttpRequest } from '../request.js';
import { type HttpResponse, isResponse } from '../response.js';

/** What is said out of what is heard; a response instead of a stream refuses the upgrade. */
export type WebSocketOperator<I, O> = (messages$: Observable<I>, request: HttpRequest) => Observable<O> | HttpResponse;

/**
 * A handler whose requests become WebSockets: `websocket(map((message) => message))` is an echo server.
 *
 * The operator gets the client's messages and gives what to send. When it completes the socket closes with 1000, when it
 * fails with 1011 and an event. When the client closes, `messages$` completes, and what the operator still answers within
 * a second leaves before the close is confirmed. `finalize` runs when the socket is closed, however it was. Nothing is read
 * before the operator has subscribed to `messages$`. A request that asks for no WebSocket gets 426.
 */
export function websocket(
  operator: WebSocketOperator<Message, string | Uint8Array | EncodedMessage>,
  options?: Omit<ChannelOptions<Message, string | Uint8Array | EncodedMessage>, 'codec'>,
): Handler;
export function websocket<I, O>(operator: WebSocketOperator<I, O>, options: ChannelOptions<I, O>): Handler;
export function websocket<I, O>(operator: WebSocketOperator<I, O>, options?: ChannelOptions<I, O>): Handler {
  if (typeof operator !== 'function') throw new OptionError('operator', `is ${messageOf(operator)}, must be a function`);
  const checked = checkOptions(options);
  const init = (channel: LineChannel<I, O>, request: HttpRequest): HttpResponse | undefined => {
    const outgoing = operator(new Messages<I>(channel), request);
    if (isResponse(outgoing)) return outgoing;
    if (!isObservable(outgoing)) throw new HandlerError('RHK_BAD_REPLY', 'a websocket operator gave neither an Observable nor a response');
    run(outgoing, channel);
    return undefined;
  };
  return eachRequest((request, replies) => openWebSocket<I, O>(request, replies, {}, init, checked, true));
}

/** Only the listening half. */
class Messages<I> extends PausableSource<I> {
  private readonly channel: LineChannel<I, never>;

  constructor(channel: LineChannel<I, never>) {
    super();
    this.channel = channel;
  }

  open(subscriber: Subscriber<I>): Faucet {
    return this.channel.open(subscriber);
  }
}

const run = <I, O>(outgoing$: Observable<O>, channel: LineChannel<I, O>): void => {
  const sending = new Sending(channel);
  channel.onClose(() => sending.unsubscribe());
  if (!channel.pacesSources || !isPausable(outgoing$)) {
    outgoing$.subscribe(sending);
    return;
  }
  const source: PausableSubscription = outgoing$.subscribePausable(sending);
  channel.paceOnly(source);
};

/** The operator's subscriber itself: an observer would be wrapped into two more objects, and called through them. */
class Sending<I, O> extends Subscriber<O> {
  private readonly channel: LineChannel<I, O>;

  constructor(channel: LineChannel<I, O>) {
    super();
    this.channel = channel;
  }

  protected override _next(message: O): void {
    this.channel.next(message);
  }

  protected override _error(error: unknown): void {
    this.channel.guard(() => this.unsubscribe());
    this.channel.error(error);
  }

  protected override _complete(): void {
    this.channel.guard(() => this.unsubscribe());
    this.channel.finish();
  }
}
