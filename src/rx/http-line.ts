/** A channel on HTTP: every message is an item of the reply. */
import type { Subscriber } from 'rxjs';
import { EncodedMessage } from '../protocol/encoded-message.js';
import type { ExchangePort } from '../transport/contracts.js';
import type { Channel, ChannelLine } from './channel.js';
import type { Codec } from './codec.js';
import type { Reply } from './response.js';

export class HttpLine<I, O> implements ChannelLine<O> {
  readonly isWebSocket = false;
  private readonly replies: Subscriber<Reply>;
  private readonly port: ExchangePort;
  private readonly codec: Codec<I, O> | undefined;
  private hasBegun: boolean;
  /** This side has ended it. */
  hasEnded: boolean;
  /** An end that comes now is not the client's doing. */
  isSending: boolean;
  /** Set right after both were made: a channel and its line need each other. */
  private channel: Channel<I, O> | null;

  constructor(replies: Subscriber<Reply>, port: ExchangePort, codec: Codec<I, O> | undefined) {
    this.replies = replies;
    this.port = port;
    this.codec = codec;
    this.hasBegun = false;
    this.hasEnded = false;
    this.isSending = false;
    this.channel = null;
  }

  connect(channel: Channel<I, O>): void {
    this.channel = channel;
  }

  send(data: O, close: boolean): boolean {
    let reply: Reply;
    try {
      reply = this.replyFrom(data);
    } catch (error) {
      this.channel?.error(error);
      return false;
    }
    this.isSending = true;
    this.replies.next(reply);
    this.isSending = false;
    if (this.replies.closed) return false; // one message too many for a slow client, or none that can be sent
    if (close) this.finish();
    return true;
  }

  close(): void {
    if (!this.hasBegun) this.replies.next(null); // closed without a word: an empty response, not "no response"
    this.finish();
  }

  finish(): void {
    this.hasEnded = true;
    this.replies.complete();
  }

  fail(error: unknown): void {
    this.hasEnded = true;
    this.replies.error(error);
  }

  /** An HTTP client says nothing behind its request. */
  demand(): void {}

  report(error: unknown): void {
    this.port.report(error);
  }

  private replyFrom(data: O): Reply {
    const isFirst = !this.hasBegun;
    const body = data instanceof EncodedMessage ? data.message : this.codec?.encode(data);
    this.hasBegun = true;
    if (body === undefined) return data as Reply; // without a codec O is Reply
    const contentType = this.codec?.contentType;
    return isFirst && contentType !== undefined ? { headers: { 'content-type': contentType }, body } : body;
  }
}
