/** A request body that Node.js's own server reads. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { HttpKitError, ProtocolError } from '../errors.js';
import type { Fields } from '../protocol/request-head.js';
import type { BodyPort, BodySink } from '../transport/contracts.js';
import { fieldsOf } from './foreign-head.js';

export class NodeBody implements BodyPort {
  isUsed: boolean;
  private readonly request: IncomingMessage | Http2ServerRequest;
  private readonly maxBody: number;
  private readonly announced: number;
  /** Called when more came, or was announced, than may come. */
  private readonly onTooLarge: () => void;
  private sink: BodySink | null;
  private received: number;
  private hasEnded: boolean;

  constructor(request: IncomingMessage | Http2ServerRequest, announced: number, maxBody: number, onTooLarge: () => void) {
    this.isUsed = false;
    this.request = request;
    this.maxBody = maxBody;
    this.announced = announced;
    this.onTooLarge = onTooLarge;
    this.sink = null;
    this.received = 0;
    this.hasEnded = false;
  }

  get trailers(): Fields | undefined {
    return this.hasEnded ? fieldsOf(pairsOf(this.request.rawTrailers)) : undefined;
  }

  read(sink: BodySink): void {
    const { request } = this;
    if (this.isUsed || request.readableEnded || request.readableDidRead) {
      sink.onError(new HttpKitError('RHK_BODY_USED')); // by us, or by a parser that stands before us
      return;
    }
    this.isUsed = true;
    this.sink = sink;
    if (this.announced > this.maxBody) return this.refuse(this.announced);
    if (request.destroyed) return this.fail(new ProtocolError('RHK_BODY_INCOMPLETE'));
    request.on('data', (piece: Buffer | string) => {
      this.take(typeof piece === 'string' ? Buffer.from(piece, request.readableEncoding ?? undefined) : piece); // who stands before us may want text
    });
    request.on('end', () => this.finish());
    request.on('error', () => this.fail(new ProtocolError('RHK_BODY_INCOMPLETE')));
    request.on('close', () => this.fail(new ProtocolError('RHK_BODY_INCOMPLETE'))); // behind `end`, where there was one
  }

  pause(): void {
    if (this.sink !== null) this.request.pause();
  }

  resume(): void {
    this.request.resume();
  }

  cancel(): void {
    if (this.sink === null) return;
    this.sink = null;
    this.request.resume(); // what is left is thrown away, so that the next request can come
  }

  private take(bytes: Buffer): void {
    if (this.sink === null) return;
    this.received += bytes.length;
    if (this.received > this.maxBody) this.refuse(this.received);
    else this.sink.onData(bytes);
  }

  private finish(): void {
    this.hasEnded = true;
    const { sink } = this;
    this.sink = null;
    sink?.onEnd();
  }

  private refuse(octets: number): void {
    this.onTooLarge();
    this.fail(new ProtocolError('RHK_BODY_TOO_LARGE', `request body is ${octets} octets or more, limit ${this.maxBody} (maxBody)`));
  }

  private fail(error: ProtocolError): void {
    const { sink } = this;
    this.sink = null;
    sink?.onError(error);
  }
}

/** Node.js lists names and values in turn. */
export const pairsOf = (list: readonly string[]): (readonly [string, string])[] =>
  Array.from({ length: list.length >> 1 }, (_, i) => [list[2 * i], list[2 * i + 1]] as const);
