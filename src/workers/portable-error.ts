/**
 * Errors on their way to another thread: class, status, code and headers of our own survive, of others name, message and stack.
 */
import { type ErrorCode, ERRORS, HandlerError, HttpError, HttpKitError, messageOf, OverloadError, ProtocolError } from '../errors.js';

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

/** Never throws, and gives nothing that cannot be cloned: properties of an application's errors may be anything, getters that throw among it. */
export const portableError = (error: unknown, causes: number = 0): PortableError => {
  try {
    return error instanceof Error ? plainError(error, causes) : { ...NOTHING, kind: 'value', message: messageOf(error) };
  } catch {
    return { ...NOTHING, kind: 'error', name: 'Error', message: messageOf(error) };
  }
};

const plainError = (error: Error, causes: number): PortableError => {
  const { cause, stack } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const kind = kindOf(error);
  return {
    kind,
    name: textOf(error.name),
    message: textOf(error.message),
    stack: stack === undefined ? undefined : textOf(stack),
    code,
    status: kind === 'http' ? (error as HttpError).status : 0, // by its kind
    headers: kind === 'http' ? plainHeaders((error as HttpError).headers) : undefined, // by its kind
    retryAfter: error instanceof OverloadError ? Number(error.retryAfter) : 0,
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

/** One of ours that the application has bent so that it could not be made again is an error like any other. */
const kindOf = (error: Error): PortableError['kind'] => {
  if (error instanceof HttpError) return Number.isInteger(error.status) && error.status >= 400 && error.status <= 599 ? 'http' : 'error';
  if (!(error instanceof HttpKitError) || !Object.hasOwn(ERRORS, error.code)) return 'error';
  if (error instanceof HandlerError) return 'handler';
  if (error instanceof ProtocolError) return 'protocol';
  return error instanceof OverloadError ? 'overload' : 'kit';
};

/** An application may have put anything there. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : messageOf(value));

const plainHeaders = (headers: HttpError['headers']): PortableError['headers'] => {
  if (headers === undefined) return undefined;
  const entries = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(textOf) : textOf(value)]);
  return Object.fromEntries(entries) as PortableError['headers']; // Object.fromEntries is typed any
};
