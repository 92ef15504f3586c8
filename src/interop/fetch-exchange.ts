/** An exchange of the WHATWG Fetch standard: a Request, and the Response that becomes of it. */
import type { ReadableStreamDefaultController } from 'node:stream/web';
import { HttpKitError, ProtocolError } from '../errors.js';
import type { Fields } from '../protocol/request-head.js';
import type { BodyPort, BodySink, Peer } from '../transport/contracts.js';
import { ForeignExchange, type ForeignReply, type Piece } from './foreign-exchange.js';
import { fieldsOf, ForeignHead } from './foreign-head.js';
import type { CheckedInterop } from './interop-options.js';

const HIGH_WATER = 65_536;
const encoder = new TextEncoder();

export class FetchExchange extends ForeignExchange {
  private readonly interop: CheckedInterop;
  private readonly onResponse: (response: Response) => void;
  private readonly onBroken: (error: Error) => void;
  private controller: ReadableStreamDefaultController<Uint8Array> | null;

  /** @param onBroken - Told when there will be no response, as the reply was cut before it began. */
  constructor(
    request: Request,
    peer: Peer,
    interop: CheckedInterop,
    onResponse: (response: Response) => void,
    onBroken: (error: Error) => void,
  ) {
    const head = headFrom(request);
    const body = request.body === null && !request.bodyUsed ? null : new FetchBody(request, head.contentLength, interop.limits.maxBody);
    super(head, peer, body, interop.limits.maxBufferedBytes);
    this.interop = interop;
    this.onResponse = onResponse;
    this.onBroken = onBroken;
    this.controller = null;
    if (request.signal.aborted) this.abort();
    else request.signal.addEventListener('abort', () => this.abort(), { once: true });
  }

  report(error: unknown): void {
    this.interop.report(error, this.peer, this.head);
  }

  protected sendWhole(reply: ForeignReply, body: Piece | null): void {
    this.onResponse(new Response(body as Uint8Array<ArrayBuffer> | string | null, initFrom(reply))); // of whatever buffer it is
  }

  protected openStream(reply: ForeignReply): void {
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.controller = controller;
        },
        pull: () => this.onDrain?.(),
        cancel: () => {
          this.controller = null;
          this.onGone();
        },
      },
      { highWaterMark: HIGH_WATER, size: (piece) => piece?.byteLength ?? 0 },
    );
    this.onResponse(new Response(stream, initFrom(reply)));
  }

  protected put(piece: Piece): boolean {
    const { controller } = this;
    if (controller === null) return false;
    controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece); // a small Buffer would show its reader what lies beside it
    return (controller.desiredSize ?? 0) > 0;
  }

  protected closeStream(): void {
    this.controller?.close();
    this.controller = null;
  }

  protected breakStream(): void {
    const error = new Error('the reply was broken off');
    if (this.controller === null) this.onBroken(error);
    this.controller?.error(error);
    this.controller = null;
  }

  protected get waiting(): number {
    return this.controller === null ? 0 : HIGH_WATER - (this.controller.desiredSize ?? HIGH_WATER);
  }

  /** Who asked does not wait any more. */
  private abort(): void {
    const error = new DOMException('the request was aborted', 'AbortError');
    if (this.controller === null) this.onBroken(error);
    this.controller?.error(error);
    this.controller = null;
    this.onGone();
  }
}

const initFrom = ({ status, lines, contentLength }: ForeignReply): ResponseInit => {
  const headers = new Headers();
  for (const [name, value] of lines) headers.append(name, value);
  if (contentLength !== undefined) headers.set('content-length', String(contentLength));
  return { status, headers };
};

const headFrom = (request: Request): ForeignHead => {
  const url = new URL(request.url);
  const headers = fieldsOf(request.headers);
  headers['host'] ??= url.host;
  return new ForeignHead({
    method: request.method,
    target: url.pathname + url.search,
    protocol: 'HTTP/1.1',
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    headers,
  });
};

/** Read piece by piece, as it is wanted. */
class FetchBody implements BodyPort {
  isUsed: boolean;
  readonly trailers: Fields | undefined;
  private readonly request: Request;
  private readonly announced: number;
  private readonly maxBody: number;
  private reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<void> } | null;
  private sink: BodySink | null;
  private received: number;
  private isPaused: boolean;
  private isReading: boolean;

  constructor(request: Request, announced: number, maxBody: number) {
    this.isUsed = false;
    this.trailers = undefined;
    this.request = request;
    this.announced = announced;
    this.maxBody = maxBody;
    this.reader = null;
    this.sink = null;
    this.received = 0;
    this.isPaused = false;
    this.isReading = false;
  }

  read(sink: BodySink): void {
    if (this.isUsed || this.request.bodyUsed || this.request.body?.locked === true) return sink.onError(new HttpKitError('RHK_BODY_USED'));
    this.isUsed = true;
    this.sink = sink;
    if (this.announced > this.maxBody) return this.fail(tooLarge(this.announced, this.maxBody));
    this.reader = this.request.body?.getReader() ?? null;
    this.pull();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.pull();
  }

  cancel(): void {
    this.sink = null;
    this.reader?.cancel().catch(() => {}); // whoever made the stream knows why
    this.reader = null;
  }

  private pull(): void {
    if (this.isReading || this.isPaused || this.reader === null) return;
    this.isReading = true;
    this.reader.read().then(
      ({ done, value }) => this.take(done ? undefined : value),
      (cause: unknown) => this.fail(new ProtocolError('RHK_BODY_INCOMPLETE', undefined, { cause })),
    );
  }

  private take(bytes: Uint8Array | undefined): void {
    this.isReading = false;
    const { sink } = this;
    if (sink === null) return;
    if (bytes === undefined) {
      this.sink = null;
      this.reader = null;
      return sink.onEnd();
    }
    if (!(bytes instanceof Uint8Array)) return this.fail(new ProtocolError('RHK_BODY_INCOMPLETE', 'a piece of the body is not bytes'));
    this.received += bytes.length;
    if (this.received > this.maxBody) return this.fail(tooLarge(this.received, this.maxBody));
    sink.onData(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.pull();
  }

  private fail(error: ProtocolError): void {
    const { sink } = this;
    this.cancel();
    sink?.onError(error);
  }
}

const tooLarge = (octets: number, maxBody: number): ProtocolError =>
  new ProtocolError('RHK_BODY_TOO_LARGE', `request body is ${octets} octets or more, limit ${maxBody} (maxBody)`);
