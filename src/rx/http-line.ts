/** A channel on HTTP: every message is an item of the reply. */
import type { Subscriber } from 'rxjs';
import type { ExchangePort } from '../transport/contracts.js';
import type { ChannelLine } from './channel.js';
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

  constructor(replies: Subscriber<Reply>, port: ExchangePort, codec: Codec<I, O> | undefined) {
    this.replies = replies;
    this.port = port;
    this.codec = codec;
    this.hasBegun = false;
    this.hasEnded = false;
  }

  send(data: O, close: boolean): boolean {
    this.replies.next(this.replyFrom(data));
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
    this.hasBegun = true;
    if (this.codec === undefined) return data as Reply; // without a codec O is Reply
    const body = this.codec.encode(data);
    const { contentType } = this.codec;
    return isFirst && contentType !== undefined ? { headers: { 'content-type': contentType }, body } : body;
  }
}
