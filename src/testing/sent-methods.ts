/** The methods of the requests in what a client sends: a reply to HEAD has no body, RFC 9112 §6.3(1). */
import { type BodyDecoder, ChunkedDecoder, LengthDecoder } from '../protocol/body-decoder.js';
import type { RequestHead } from '../protocol/request-head.js';
import { RequestParser } from '../protocol/request-parser.js';

/** What a server refuses is none of our business here. */
const NO_LIMITS = { maxLine: Infinity, maxHeaders: Infinity, maxHeadBytes: Infinity };

export class SentMethods {
  private readonly waiting: string[];
  private parser: RequestParser;
  private body: BodyDecoder | null;
  /** What comes is no request any more: frames behind a handshake, or what no server takes. */
  private isLost: boolean;

  constructor() {
    this.waiting = [];
    this.parser = new RequestParser(NO_LIMITS);
    this.body = null;
    this.isLost = false;
  }

  /** @param bytes - May stop anywhere. */
  push(bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length && !this.isLost;)
        at = this.body === null ? this.readHead(bytes, at) : this.readBody(this.body, bytes, at);
    } catch {
      this.isLost = true; // it is refused, and answered as what it says that it is
      if (this.body === null) this.waiting.push(this.parser.method);
    }
  }

  /** Of the request that the next reply answers, which may have come before all of the request had. */
  next(): string {
    return this.waiting.shift() ?? this.parser.method;
  }

  private readHead(bytes: Buffer, from: number): number {
    const to = this.parser.push(bytes, from);
    const { head } = this.parser;
    if (head === null) return bytes.length;
    this.waiting.push(head.method);
    this.body = bodyOf(head);
    this.parser = new RequestParser(NO_LIMITS);
    return to;
  }

  private readBody(body: BodyDecoder, bytes: Buffer, from: number): number {
    const to = body.next(bytes, from);
    if (body.isDone) this.body = null;
    return to;
  }
}

const bodyOf = (head: RequestHead): BodyDecoder | null => {
  if (!head.hasBody) return null;
  return head.isChunked ? new ChunkedDecoder(NO_LIMITS) : new LengthDecoder(head.contentLength);
};
