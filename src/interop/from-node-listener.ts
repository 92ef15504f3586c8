/** Applications of Node.js's own server as handlers: Connect, Express, Koa, a plain request listener. */
import { createServer, type IncomingMessage, METHODS, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { Readable } from 'node:stream';
import type { Subscriber } from 'rxjs';
import { HandlerError, HttpError, messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import type { HttpRequest } from '../rx/request.js';
import type { Reply } from '../rx/response.js';
import { eachRequest } from '../rx/each-request.js';
import { type ReplyHead, ReplyReader } from '../protocol/reply-reader.js';
import type { Cancel } from '../transport/contracts.js';
import { systemClock } from '../transport/system-clock.js';
import { LoopbackSocket } from './loopback-socket.js';

/** What `http.createServer` takes. With `next` it may pass on what it does not want, as Connect's middleware does. */
export type NodeApplication = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown;

/**
 * Runs a Connect or Express application, or any request listener, inside our server. Node.js's own http server reads and writes
 * for it, over memory: what the application does with `request` and `response` works as it knows it, streams and `close` included.
 *
 * `next()` makes the result empty, so that an Express application can stand among `routes`; `next(error)` is the handler's
 * error. A response that breaks off is cut. 1xx responses, trailers and status messages of the application are dropped; it gets no
 * upgrades. Methods that Node.js does not know are answered with 501.
 *
 * @throws {@link OptionError} for what is no function.
 * @example `routes(get('/prices', prices), fromNodeListener(express().use(…)))`
 */
export const fromNodeListener = (application: NodeApplication): Handler => {
  if (typeof application !== 'function') throw new OptionError('application', `is ${messageOf(application)}, must be a function`);
  const visits = new WeakMap<object, Visit>();
  const server = createServer({ keepAlive: false, maxHeaderSize: ANY_HEAD }, (request, response) => {
    visits.get(request.socket)?.run(request, response);
  });
  withoutLimits(server);
  return eachRequest((request, replies) => {
    if (!KNOWN_METHODS.has(request.method)) return replies.error(new HttpError(501, 'the method is not supported'));
    const visit = new Visit(application, request, replies);
    visits.set(visit.socket, visit);
    replies.add(() => visit.leave());
    visit.enter(server);
  });
};

/** Connect's errors name their status, and say whether their message may be read outside. */
const httpErrorFrom = (error: unknown): HttpError | undefined => {
  const { status, expose, message } = Object(error) as { status?: unknown; expose?: unknown; message?: unknown }; // asked, not assumed
  if (error instanceof HttpError || typeof status !== 'number' || !Number.isInteger(status) || status < 400 || status > 599)
    return undefined;
  if (status >= 500) return undefined; // a failure, to be reported as one
  return new HttpError(status, expose === true ? String(message) : STATUS_CODES[status], { cause: error });
};

/** A head that the server around has taken, and what is added to it. */
const ANY_HEAD = 33_554_432;
/** Of an application that has answered and does not end its response. */
const LINGER_MS = 1_000;
/** Of Node.js's parser; CONNECT is no request to an application. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== 'CONNECT'));

/** All deadlines and limits are those of the server around. */
const withoutLimits = (server: Server): void => {
  server.maxHeadersCount = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  server.timeout = 0;
};

/** One request inside the application. */
class Visit {
  readonly socket: LoopbackSocket;
  private readonly application: NodeApplication;
  private readonly replies: Subscriber<Reply>;
  private readonly reader: ReplyReader;
  private body: Readable | null;
  private response: ServerResponse | null;
  private isOver: boolean;
  /** All of the reply has been read. */
  private isComplete: boolean;

  constructor(application: NodeApplication, request: HttpRequest, replies: Subscriber<Reply>) {
    this.application = application;
    this.replies = replies;
    this.body = null;
    this.response = null;
    this.isOver = false;
    this.isComplete = false;
    this.reader = new ReplyReader(
      {
        onHead: (head) => this.onHead(head),
        onPiece: (piece) => this.onPiece(piece),
        onTrailers: () => {},
        onEnd: () => this.onEnd(),
        onUpgraded: () => {},
      },
      () => request.method,
    );
    this.socket = new LoopbackSocket(request, {
      onBytes: (bytes) => this.onBytes(bytes),
      onBodyError: (error) => this.onBodyError(error),
      onClosed: () => this.onClosed(),
    });
  }

  enter(server: Server): void {
    server.emit('connection', this.socket);
    this.socket.sendHead();
  }

  run(request: IncomingMessage, response: ServerResponse): void {
    this.response = response;
    response.once('finish', () => {
      if (!this.isComplete) this.socket.destroy(); // all that it had to say, and less than it had announced
    });
    const read = request._read.bind(request);
    request._read = (size) => {
      if (!this.isOver) this.socket.sendBody(); // not before somebody reads: whoever passes on has left the body as it was
      read(size);
    };
    const passOn = (error?: unknown): void => this.passOn(error);
    try {
      const result = this.application(request, response, passOn);
      if (result instanceof Promise) result.catch((error: unknown) => passOn(error ?? new Error('the application failed')));
    } catch (error) {
      passOn(error ?? new Error('the application failed'));
    }
  }

  /** The client has gone, or the reply is complete. */
  leave(): void {
    this.isOver = true;
    if (!this.isComplete) this.socket.destroy();
  }

  private passOn(error: unknown): void {
    if (this.isOver) return;
    const isPassed = error === undefined || error === null || error === 'route' || error === 'router';
    if (isPassed && this.response?.headersSent === true) return; // it has answered, and only says that it is done
    this.leave();
    if (isPassed) this.replies.complete();
    else this.replies.error(httpErrorFrom(error) ?? error);
  }

  private onBodyError(error: unknown): void {
    if (this.isOver || this.body !== null) return; // a reply that has begun is cut with the connection
    this.leave();
    this.replies.error(error);
  }

  private onBytes(bytes: Buffer): void {
    if (this.isOver) return;
    try {
      this.reader.push(bytes);
    } catch (error) {
      this.fail(error);
    }
  }

  private onHead({ status, headers: joined }: ReplyHead): void {
    if (status === 101) return this.fail(new Error('the application switched protocols, which it cannot do here'));
    if (status < 200) return;
    const headers = Object.entries(joined).map(([name, value]) => [name, name === 'set-cookie' ? value.split('\n') : value] as const);
    this.body = new Readable({ read: () => this.socket.resumeReplies(), destroy: (error, done) => (this.leave(), done(error)) });
    this.replies.next({ status, headers, body: this.body });
  }

  private onPiece(piece: Buffer): void {
    if (this.body !== null && !this.body.push(piece)) this.socket.pauseReplies();
  }

  private onEnd(): void {
    this.isOver = true;
    this.isComplete = true;
    this.body?.push(null);
    this.replies.complete();
    this.closeBehind();
  }

  /** The application is told of its end before that of its connection, as on a socket; the end may come behind its last piece. */
  private closeBehind(): void {
    const { response, socket } = this;
    if (response === null || response.writableFinished) return void socket.destroy();
    let cancel: Cancel = () => {};
    response.once('finish', () => {
      cancel();
      socket.destroy();
    });
    systemClock.nextTurn(() => {
      if (!socket.destroyed) cancel = systemClock.after(LINGER_MS, () => socket.destroy());
    });
  }

  private onClosed(): void {
    if (this.isOver) return;
    this.reader.end();
    if (!this.isOver) this.fail(new Error('the application closed its connection before its response was complete'));
  }

  private fail(cause: unknown): void {
    this.leave();
    const error = new HandlerError('RHK_HANDLER_FAILED', `handler failed: ${messageOf(cause)}`, { cause });
    if (this.body === null) this.replies.error(error);
    else this.body.destroy(error);
  }
}
