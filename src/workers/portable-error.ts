/**
 * Errors on their way to another thread: class, status, code and headers of our own survive, of others name, message and stack.
 */
import { type ErrorCode, HandlerError, HttpError, HttpKitError, messageOf, OverloadError, ProtocolError } from '../errors.js';

/** An error as plain values. */
export interface PortableError {
  /** 'value' is something thrown that is no error. */
  readonly kind: 'http' | 'kit' | 'handler' | 'protocol' | 'overload' | 'error' | 'value';
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  /** Of an `HttpError`. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Seconds, of an `OverloadError`. */
  readonly retryAfter: number;
  readonly cause: PortableError | undefined;
}

/** A chain of causes may be a circle. */
const MAX_CAUSES = 8;

export const portableError = (error: unknown, causes: number = 0): PortableError => {
  if (!(error instanceof Error)) return { ...NOTHING, kind: 'value', message: messageOf(error) };
  const { cause } = error;
  return {
    kind: kindOf(error),
    name: textOf(error.name),
    message: textOf(error.message),
    stack: error.stack === undefined ? undefined : textOf(error.stack),
    code: 'code' in error && typeof error.code === 'string' ? error.code : undefined,
    status: error instanceof HttpError ? error.status : 0,
    headers: error instanceof HttpError ? plainHeaders(error.headers) : undefined,
    retryAfter: error instanceof OverloadError ? error.retryAfter : 0,
    cause: cause === undefined || causes >= MAX_CAUSES ? undefined : portableError(cause, causes + 1),
  };
};

/** The error again: ours by its class, any other as an `Error` with the name, message, code and stack that it had. */
export const errorFrom = (portable: PortableError): unknown => {
  const { kind, message, stack } = portable;
  if (kind === 'value') return message;
  const options = portable.cause === undefined ? undefined : { cause: errorFrom(portable.cause) };
  const error = madeFrom(portable, options);
  if (stack !== undefined) error.stack = stack;
  return error;
};

const madeFrom = ({ kind, name, message, code, status, headers, retryAfter }: PortableError, options: ErrorOptions | undefined): Error => {
  const ours = code as ErrorCode; // of one of our own classes
  switch (kind) {
    case 'http':
      return new HttpError(status, message, { ...options, headers });
    case 'handler':
      return new HandlerError(ours, message, options);
    case 'protocol':
      return new ProtocolError(ours, message, options);
    case 'overload':
      return new OverloadError(ours, message, { ...options, retryAfter });
    case 'kit':
      return new HttpKitError(ours, message, options);
    default:
      return Object.defineProperties(new Error(message, options), {
        name: { value: name, configurable: true, writable: true },
        ...(code === undefined ? {} : { code: { value: code, configurable: true, writable: true, enumerable: true } }),
      });
  }
};

const NOTHING = { name: '', stack: undefined, code: undefined, status: 0, headers: undefined, retryAfter: 0, cause: undefined };

const kindOf = (error: Error): PortableError['kind'] => {
  if (error instanceof HttpError) return 'http';
  if (error instanceof HandlerError) return 'handler';
  if (error instanceof ProtocolError) return 'protocol';
  if (error instanceof OverloadError) return 'overload';
  return error instanceof HttpKitError ? 'kit' : 'error';
};

/** An application may have put anything there. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : messageOf(value));

const plainHeaders = (headers: HttpError['headers']): PortableError['headers'] => {
  if (headers === undefined) return undefined;
  const entries = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(textOf) : textOf(value)]);
  return Object.fromEntries(entries) as PortableError['headers']; // Object.fromEntries is typed any
};
