/** http-kit's `as-channel`: a handler that gets a channel instead of giving a reply. */
import type { Subscriber, TeardownLogic, Unsubscribable } from 'rxjs';
import { HandlerError, messageOf, OptionError } from '../../errors.js';
import type { EncodedMessage } from '../../protocol/encoded-message.js';
import type { Channel, ChannelClose } from './channel.js';
import { type ChannelOptions, checkOptions, type CheckedOptions, openingFor } from './channel-options.js';
import type { Message } from './codec.js';
import { eachRequest } from '../each-request.js';
import { FrameBody } from '../bodies/frame-body.js';
import type { Handler } from '../handler.js';
import { HttpLine } from './http-line.js';
import { LineChannel } from './line-channel.js';
import { knownOptions } from '../number-option.js';
import { forgetHeaders, type HttpRequest, portOf } from '../request.js';
import { type HttpResponse, kindOf, type Reply } from '../response.js';
import { WebSocketLine } from './websocket-line.js';

/** What a channel without a codec sends: messages, and on HTTP whole responses and bodies as well. */
export type ChannelOutput = Reply | EncodedMessage;

/** http-kit's callbacks. */
export interface ChannelCallbacks<I, O> {
  /** Before the handshake is answered. */
  init?(channel: Channel<I, O>, request: HttpRequest): void;
  /** The channel is open. Nothing of the client's arrives before it has returned. */
  onOpen?(channel: Channel<I, O>): void;
  onReceive?(channel: Channel<I, O>, message: I): void;
  onPing?(channel: Channel<I, O>, data: Buffer): void;
  onClose?(channel: Channel<I, O>, close: ChannelClose): void;
  /** May answer a refused handshake in its own way. */
  onHandshakeError?(request: HttpRequest, refusal: HttpResponse): HttpResponse | undefined;
}

/** Sets a channel up; what it returns is torn down when the channel has closed. */
export type ChannelSetup<I, O> = (channel: Channel<I, O>, request: HttpRequest) => TeardownLogic;

/**
 * A handler that gives each request a {@link Channel}: on a WebSocket handshake one of frames, else one of HTTP streaming or
 * long polling.
 *
 * Listeners that `setup` registers are in place before the handshake is answered. A client that leaves an HTTP channel, even
 * by closing its half only, is `client-close` at once. A request has one channel, ever: a second one fails with
 * `RHK_CHANNEL_TAKEN`.
 *
 * @example `asChannel((channel) => channel.onReceive((message) => channel.send(message)))`
 */
export function asChannel(
  setup: ChannelSetup<Message, ChannelOutput> | ChannelCallbacks<Message, ChannelOutput>,
  options?: Omit<ChannelOptions<Message, ChannelOutput>, 'codec'>,
): Handler;
export function asChannel<I, O>(setup: ChannelSetup<I, O> | ChannelCallbacks<I, O>, options: ChannelOptions<I, O>): Handler;
export function asChannel<I, O>(setup: ChannelSetup<I, O> | ChannelCallbacks<I, O>, options?: ChannelOptions<I, O>): Handler {
  if (typeof setup !== 'function' && (typeof setup !== 'object' || setup === null)) {
    throw new OptionError('setup', `is ${messageOf(setup)}, must be a function or callbacks`);
  }
  const checked = checkOptions(options);
  const callbacks = typeof setup === 'function' ? callbacksFrom(setup) : checkCallbacks(setup);
  return eachRequest((request, replies) => openChannel(request, replies, callbacks, checked));
}

/** A setup function as callbacks. */
const callbacksFrom = <I, O>(setup: ChannelSetup<I, O>): ChannelCallbacks<I, O> => ({
  init: (channel, request) => {
    const teardown: unknown = setup(channel, request);
    if (typeof teardown === 'function') channel.onClose(() => void teardown());
    else if (isUnsubscribable(teardown)) channel.onClose(() => teardown.unsubscribe());
    else if (typeof teardown === 'object' && teardown !== null) {
      const kind = kindOf(teardown);
      const hint = kind === 'a Promise' ? ': it must not be async' : '';
      throw new HandlerError('RHK_BAD_REPLY', `setup of a channel gave ${kind}, not a Subscription, a function or nothing${hint}`);
    } // what `send` and `close` return is nothing to tear down
  },
});

const isUnsubscribable = (teardown: unknown): teardown is Unsubscribable =>
  typeof (teardown as Partial<Unsubscribable> | null | undefined)?.unsubscribe === 'function'; // asked, not assumed

const CALLBACKS: readonly (keyof ChannelCallbacks<never, never>)[] = [
  'init',
  'onOpen',
  'onReceive',
  'onPing',
  'onClose',
  'onHandshakeError',
];

/** A callback whose name is wrong would never be called, and nobody would tell. */
const checkCallbacks = <I, O>(callbacks: ChannelCallbacks<I, O>): ChannelCallbacks<I, O> => {
  knownOptions(callbacks, CALLBACKS);
  for (const name of CALLBACKS) {
    const callback = callbacks[name];
    if (callback !== undefined && typeof callback !== 'function') {
      throw new OptionError(name, `is ${messageOf(callback)}, must be a function`);
    }
  }
  return callbacks;
};

/** The channel of one request, as the reply that carries it. */
const openChannel = <I, O>(
  request: HttpRequest,
  replies: Subscriber<Reply>,
  callbacks: ChannelCallbacks<I, O>,
  options: CheckedOptions<I, O>,
): void => {
  if (!namesWebSocket(request.headers['upgrade'])) return openHttp(request, replies, callbacks, options);
  const init = (channel: Channel<I, O>): undefined => {
    callbacks.init?.(channel, request);
    return undefined;
  };
  openWebSocket(request, replies, callbacks, init, options, false);
};

/** Also where the rest of the handshake is wrong; another protocol may be ignored, RFC 9110 §7.8. */
const namesWebSocket = (upgrade: string | undefined): boolean => upgrade !== undefined && /websocket/i.test(upgrade);

const openHttp = <I, O>(
  request: HttpRequest,
  replies: Subscriber<Reply>,
  callbacks: ChannelCallbacks<I, O>,
  options: CheckedOptions<I, O>,
): void => {
  const port = claim(request);
  port.endsWithInput = true;
  const line = new HttpLine<I, O>(replies, port, options);
  const channel = new LineChannel<I, O>(request, line, undefined);
  line.connect(channel);
  replies.add(() => {
    const by = port.isSettled && !line.hasEnded && !line.isSending ? 'client' : 'server';
    line.abandon();
    channel.settle({ status: `${by}-close`, code: undefined, reason: '', by });
  });
  attach(channel, callbacks);
  callbacks.init?.(channel, request);
  if (channel.isOpen) callbacks.onOpen?.(channel);
};

/** What differs between a channel that an application drives and one that an operator does is when a close is answered. */
export const openWebSocket = <I, O>(
  request: HttpRequest,
  replies: Subscriber<Reply>,
  callbacks: ChannelCallbacks<I, O>,
  /** Prepares the channel, and may refuse the upgrade. */
  init: (channel: LineChannel<I, O>, request: HttpRequest) => HttpResponse | undefined,
  options: CheckedOptions<I, O>,
  answersBeforeClose: boolean,
): void => {
  const opening = openingFor(request, options);
  if ('refusal' in opening) {
    replies.next(callbacks.onHandshakeError?.(request, opening.refusal) ?? opening.refusal);
    replies.complete();
    return;
  }
  const line = new WebSocketLine<I, O>(claim(request), options, answersBeforeClose);
  const channel = new LineChannel<I, O>(request, line, opening.upgrade.protocol);
  line.connect(channel);
  replies.add(() => line.abandon());
  attach(channel, callbacks);
  const refusal = init(channel, request);
  if (refusal !== undefined) {
    replies.next(refusal);
    replies.complete();
    return;
  }
  const body = new FrameBody(opening.upgrade, line, (frames, room) => {
    forgetHeaders(request);
    line.open(frames, room);
    if (channel.isOpen) channel.guard(() => callbacks.onOpen?.(channel));
    line.listen();
  });
  replies.next({ status: 101, headers: options.headers, body });
  channel.onClose(() => replies.complete()); // behind the 101, which a channel that is closed already needs too
};

const attach = <I, O>(channel: Channel<I, O>, callbacks: ChannelCallbacks<I, O>): void => {
  const { onReceive, onPing, onClose } = callbacks;
  if (onReceive !== undefined) channel.onReceive((message) => onReceive.call(callbacks, channel, message));
  if (onPing !== undefined) channel.onPing((data) => onPing.call(callbacks, channel, data));
  if (onClose !== undefined) channel.onClose((close) => onClose.call(callbacks, channel, close));
};

/** One channel per request, ever. */
const claim = (request: HttpRequest): ReturnType<typeof portOf> => {
  const port = portOf(request);
  if (port.hasChannel) throw new HandlerError('RHK_CHANNEL_TAKEN', 'the request has a channel already');
  port.hasChannel = true;
  return port;
};
