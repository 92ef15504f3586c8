/**
 * Every error that this server makes: one table, and the few classes that carry its codes.
 *
 * Owns: codes, statuses, whose fault, and the sentence that a client may read. Match on `code`, never on the text.
 */

/** Whose fault an error is: it decides who is told, and whether the connection survives. */
export type ErrorFault = 'peer' | 'server' | 'handler' | 'caller';

export interface ErrorEntry {
  /** The status that a client gets when its head is not out yet; 0 where no client can be told. */
  readonly status: number;
  readonly fault: ErrorFault;
  /** The rule that was broken. */
  readonly section: string;
  readonly sentence: string;
}

const peer = (status: number, section: string, sentence: string): ErrorEntry => ({ status, fault: 'peer', section, sentence });
const handler = (status: number, section: string, sentence: string): ErrorEntry => ({ status, fault: 'handler', section, sentence });
const server = (status: number, section: string, sentence: string): ErrorEntry => ({ status, fault: 'server', section, sentence });

/** Every code that this server reports. */
export type ErrorCode =
  | 'RHK_BAD_REQUEST_LINE'
  | 'RHK_BAD_LINE_END'
  | 'RHK_BAD_TARGET'
  | 'RHK_BAD_PATH'
  | 'RHK_BAD_QUERY'
  | 'RHK_BAD_FIELD_NAME'
  | 'RHK_BAD_FIELD_VALUE'
  | 'RHK_FOLDED_FIELD'
  | 'RHK_BAD_HOST'
  | 'RHK_HEAD_INCOMPLETE'
  | 'RHK_BAD_CONTENT_LENGTH'
  | 'RHK_BAD_TRANSFER_ENCODING'
  | 'RHK_BAD_CHUNK'
  | 'RHK_CHUNK_OVERHEAD'
  | 'RHK_BODY_INCOMPLETE'
  | 'RHK_BAD_HANDSHAKE'
  | 'RHK_BAD_FRAME'
  | 'RHK_BAD_MESSAGE'
  | 'RHK_BODY_USED'
  | 'RHK_BAD_JSON'
  | 'RHK_BAD_TEXT'
  | 'RHK_FILE_NOT_FOUND'
  | 'RHK_NO_RESPONSE'
  | 'RHK_HEAD_TIMEOUT'
  | 'RHK_BODY_TIMEOUT'
  | 'RHK_BODY_TOO_LARGE'
  | 'RHK_LINE_TOO_LONG'
  | 'RHK_UNKNOWN_CHARSET'
  | 'RHK_NOT_A_FORM'
  | 'RHK_UNKNOWN_EXPECTATION'
  | 'RHK_HEAD_TOO_LARGE'
  | 'RHK_TOO_MANY_FIELDS'
  | 'RHK_HANDLER_FAILED'
  | 'RHK_BAD_REPLY'
  | 'RHK_BAD_STATUS'
  | 'RHK_CANNOT_SUSPEND'
  | 'RHK_CHANNEL_TAKEN'
  | 'RHK_BAD_HEADER'
  | 'RHK_MODULE_FAILED'
  | 'RHK_THREAD_DIED'
  | 'RHK_COMPUTE_TIMEOUT'
  | 'RHK_BAD_EVENT'
  | 'RHK_CURSOR_LOST'
  | 'RHK_TOPIC_ENDED'
  | 'RHK_BODY_LENGTH'
  | 'RHK_UNKNOWN_METHOD'
  | 'RHK_UNKNOWN_TRANSFER_CODING'
  | 'RHK_UNKNOWN_VERSION'
  | 'RHK_ADMISSION_FULL'
  | 'RHK_TOO_MANY_STREAMS'
  | 'RHK_ADMISSION_TIMEOUT'
  | 'RHK_SLOW_CLIENT'
  | 'RHK_STALLED'
  | 'RHK_CLIENT_GONE'
  | 'RHK_TOO_MANY_CONNECTIONS'
  | 'RHK_ACCEPT_FAILED'
  | 'RHK_PROCESS_FAILED'
  | 'RHK_BAD_OPTION';

/** Code → status, fault, source and sentence. `docs/errors.md` is written from this table. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = Object.freeze({
  RHK_BAD_REQUEST_LINE: peer(400, 'RFC 9112 §3', 'malformed request line'),
  RHK_BAD_LINE_END: peer(400, 'RFC 9112 §2.2', 'a line must end with CR LF, and CR or LF must not stand alone'),
  RHK_BAD_TARGET: peer(400, 'RFC 9112 §3.2', 'malformed request target'),
  RHK_BAD_PATH: peer(400, 'RFC 3986 §2.1, §3.3', 'malformed percent-encoding, or a dot segment, in the path'),
  RHK_BAD_QUERY: peer(400, 'WHATWG URL §5.1', 'malformed percent-encoding, or too many pairs, in the query'),
  RHK_BAD_FIELD_NAME: peer(400, 'RFC 9112 §5.1', 'malformed field name'),
  RHK_BAD_FIELD_VALUE: peer(400, 'RFC 9110 §5.5', 'malformed field value'),
  RHK_FOLDED_FIELD: peer(400, 'RFC 9112 §5.2', 'folded field lines are refused'),
  RHK_BAD_HOST: peer(400, 'RFC 9112 §3.2', 'the host field is missing, repeated or malformed'),
  RHK_HEAD_INCOMPLETE: peer(400, 'RFC 9112 §8', 'the request head ended before its end'),
  RHK_BAD_CONTENT_LENGTH: peer(400, 'RFC 9112 §6.2', 'malformed or ambiguous content-length'),
  RHK_BAD_TRANSFER_ENCODING: peer(400, 'RFC 9112 §6.1', 'malformed or ambiguous transfer-encoding'),
  RHK_BAD_CHUNK: peer(400, 'RFC 9112 §7.1', 'malformed chunk'),
  RHK_CHUNK_OVERHEAD: peer(400, 'RFC 9112 §7.1.1', 'too many bytes around the chunks of one body'),
  RHK_BODY_INCOMPLETE: peer(400, 'RFC 9112 §8', 'the body ended before its announced end'),
  RHK_BAD_HANDSHAKE: peer(400, 'RFC 6455 §4.2', 'malformed WebSocket handshake'),
  RHK_BAD_FRAME: peer(0, 'RFC 6455 §5', 'the client broke the WebSocket protocol'),
  RHK_BAD_MESSAGE: peer(0, 'RFC 6455 §7.4.1', 'a message could not be decoded'),
  RHK_BODY_USED: handler(500, 'this project', 'the request body was read already; it can be read once'),
  RHK_BAD_JSON: peer(400, 'RFC 8259', 'the body is not valid JSON'),
  RHK_BAD_TEXT: peer(400, 'WHATWG Encoding', 'the body is not valid text in its charset'),
  RHK_FILE_NOT_FOUND: handler(404, 'this project', 'not found'),
  RHK_NO_RESPONSE: handler(404, 'this project', 'not found'),
  RHK_HEAD_TIMEOUT: peer(408, 'RFC 9110 §15.5.9', 'the request head came too slowly'),
  RHK_BODY_TIMEOUT: peer(408, 'RFC 9110 §15.5.9', 'the request body came too slowly'),
  RHK_BODY_TOO_LARGE: peer(413, 'RFC 9110 §15.5.14', 'the request body is too large'),
  RHK_LINE_TOO_LONG: peer(414, 'RFC 9110 §15.5.15', 'the request line or a header line is too long'),
  RHK_UNKNOWN_CHARSET: peer(415, 'RFC 9110 §15.5.16', 'the charset of the body is not supported'),
  RHK_NOT_A_FORM: peer(415, 'RFC 9110 §15.5.16', 'the body is not application/x-www-form-urlencoded'),
  RHK_UNKNOWN_EXPECTATION: peer(417, 'RFC 9110 §10.1.1', 'the only expectation that is met is 100-continue'),
  RHK_HEAD_TOO_LARGE: peer(431, 'RFC 6585 §5', 'the request head is too large'),
  RHK_TOO_MANY_FIELDS: peer(431, 'RFC 6585 §5', 'the request has too many header fields'),
  RHK_HANDLER_FAILED: handler(500, 'RFC 9110 §15.6.1', 'internal server error'),
  RHK_BAD_REPLY: handler(500, 'this project', 'internal server error'),
  RHK_BAD_STATUS: handler(500, 'RFC 9110 §15', 'internal server error'),
  RHK_CANNOT_SUSPEND: handler(500, 'this project', 'internal server error'),
  RHK_CHANNEL_TAKEN: handler(500, 'this project', 'internal server error'),
  RHK_BAD_HEADER: handler(500, 'RFC 9110 §5.5', 'internal server error'),
  RHK_MODULE_FAILED: handler(500, 'this project', 'internal server error'),
  RHK_THREAD_DIED: handler(500, 'this project', 'internal server error'),
  RHK_COMPUTE_TIMEOUT: server(503, 'this project', 'the reply took too long to compute'),
  RHK_BAD_EVENT: handler(500, 'WHATWG HTML §9.2', 'internal server error'),
  RHK_CURSOR_LOST: peer(410, 'this project', 'what was published behind this cursor is not kept any more'),
  RHK_TOPIC_ENDED: handler(500, 'this project', 'internal server error'),
  RHK_BODY_LENGTH: handler(0, 'RFC 9112 §6.3', 'the reply body does not have its announced length'),
  RHK_UNKNOWN_METHOD: peer(501, 'RFC 9110 §15.6.2', 'the method is not supported'),
  RHK_UNKNOWN_TRANSFER_CODING: peer(501, 'RFC 9112 §6.1', 'the transfer coding is not supported'),
  RHK_UNKNOWN_VERSION: peer(505, 'RFC 9110 §15.6.6', 'the HTTP version is not supported'),
  RHK_ADMISSION_FULL: server(503, 'RFC 9110 §15.6.4', 'the server is busy'),
  RHK_ADMISSION_TIMEOUT: server(503, 'RFC 9110 §15.6.4', 'the server is busy'),
  RHK_TOO_MANY_STREAMS: server(503, 'RFC 9110 §15.6.4', 'the server is busy'),
  RHK_SLOW_CLIENT: server(0, 'this project', 'more is waiting for a client than may wait'),
  RHK_STALLED: peer(0, 'this project', 'the client took no byte for too long'),
  RHK_CLIENT_GONE: peer(0, 'this project', 'the client has gone'),
  RHK_TOO_MANY_CONNECTIONS: server(0, 'this project', 'a connection was refused, as many as allowed are open'),
  RHK_ACCEPT_FAILED: server(0, 'this project', 'a connection could not be accepted'),
  RHK_PROCESS_FAILED: handler(0, 'this project', 'a process of the server did not start'),
  RHK_BAD_OPTION: { status: 0, fault: 'caller', section: 'this project', sentence: 'a wrong option' },
});

/** What all errors of this server have in common: a `code` of {@link ERRORS} and the status that goes with it. */
export class HttpKitError extends Error {
  readonly code: ErrorCode;
  readonly status: number;

  constructor(code: ErrorCode, message: string = ERRORS[code].sentence, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = ERRORS[code].status;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/**
 * The peer broke a rule or a limit. Ends its connection, after a reply where one can still be sent.
 *
 * Has no stack: whoever floods a server with bad requests must not make it walk its own stack for each.
 */
export class ProtocolError extends HttpKitError {
  constructor(code: ErrorCode, message?: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(code, message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** What an {@link OverloadError} may carry besides its code and message. */
export interface OverloadErrorOptions extends ErrorOptions {
  /** Seconds; default 1. */
  readonly retryAfter?: number;
}

/**
 * The server refused work by design, because it has as much as it may hold. Touches that request only.
 *
 * Has no stack, as {@link ProtocolError}: refusing must stay cheap when there is much to refuse.
 */
export class OverloadError extends HttpKitError {
  /** Seconds after which a client that gets a 503 may try again. */
  readonly retryAfter: number;

  constructor(code: ErrorCode, message?: string, options?: OverloadErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(code, message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.retryAfter = options?.retryAfter ?? 1;
  }
}

/** The application failed; `cause` is what it threw. Touches that request only. */
export class HandlerError extends HttpKitError {}

/** What the application threw, as an error of ours. */
export const failureFrom = (cause: unknown): HandlerError =>
  new HandlerError('RHK_HANDLER_FAILED', `handler failed: ${messageOf(cause)}`, { cause });

/** What a {@link HttpError} may carry besides its status and message. */
export interface HttpErrorOptions extends ErrorOptions {
  /** Fields of the reply, as in `HttpResponse.headers`. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
}

/**
 * What a handler throws to answer with an error status of its choice.
 *
 * @param status - 400–599; anything else is a `RangeError` at once.
 * @param message - Sent to the client as the body (`text/plain`), so it must be fit to be read there.
 * @example `throw new HttpError(404, 'no such order')`
 */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: HttpErrorOptions['headers'];

  constructor(status: number, message: string = 'error', options?: HttpErrorOptions) {
    super(message, options);
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`status of an HttpError is ${String(status)}, must be 400 to 599`);
    }
    this.status = status;
    this.headers = options?.headers;
  }

  override get name(): string {
    return 'HttpError';
  }
}

/** What a thrown value says: anything can be thrown, and what cannot be shown must not throw once more. */
export const messageOf = (thrown: unknown): string => {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'something that cannot be shown';
  }
};

/** A wrong option. Thrown before anything is bound; `option` names the culprit. */
export class OptionError extends TypeError {
  readonly code: ErrorCode = 'RHK_BAD_OPTION';
  readonly option: string;

  constructor(option: string, message: string) {
    super(`option ${option}: ${message}`);
    this.option = option;
  }

  override get name(): string {
    return 'OptionError';
  }
}
