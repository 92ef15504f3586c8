/** A line for each request. */
import { asyncScheduler, type Observer } from 'rxjs';
import { OptionError } from '../errors.js';
import { faultResponse } from '../protocol/fault-response.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { type HttpRequest, originOf } from '../rx/request.js';
import { type HttpResponse, isPiece, isResponse, type Reply } from '../rx/response.js';
import { isUpgrade, passThrough } from './map-response.js';
import { targetOf } from './request-url.js';
import { fieldOf } from './response-fields.js';

/** What is known of a request when its reply is over. */
export interface AccessEntry {
  /** Milliseconds since 1970, when it came. */
  readonly timeMs: number;
  /** Milliseconds until its reply was complete, or its client gone. */
  readonly durationMs: number;
  readonly remoteAddr: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly protocol: string;
  /** Of the reply; 499 where the client left before there was one. */
  readonly status: number;
  /** Octets of the body as the handler gave it; `undefined` for a stream without content-length. */
  readonly bytes: number | undefined;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  /** Where {@link requestId} stands around. */
  readonly requestId: string | undefined;
}

/** Options of {@link accessLog}. */
export interface AccessLogOptions {
  /** Apache's two, a line of JSON, or one's own. Default `common`. */
  readonly format?: 'common' | 'combined' | 'json' | ((entry: AccessEntry) => string) | undefined;
  /** Where lines go, without a line end: a function, a Subject. Default `console.log`. */
  readonly to?: ((line: string) => void) | Pick<Observer<string>, 'next'> | undefined;
}

/**
 * Says a line for each request when its reply is over: sent, cut, or left by its client. Errors have the status that they become.
 *
 * What clients wrote is escaped, so that no request makes lines of its own.
 */
export const accessLog = (options: AccessLogOptions = {}): Middleware => {
  const { format, write } = checked(options);
  return function accessLog(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      const timeMs = asyncScheduler.now();
      let status = 499;
      let bytes: number | undefined;
      const log = (): void => write(format(entryOf(request, timeMs, status, bytes)));
      return {
        response: (response) => {
          status = isUpgrade(response) ? 101 : (response.status ?? 200);
          bytes = octetsOf(response);
          return response;
        },
        later: (reply) => {
          const octets = octetsOf(responseFrom(reply));
          bytes = bytes === undefined || octets === undefined ? undefined : bytes + octets;
        },
        failed: (error) => {
          status = error === undefined ? 404 : faultResponse(error).status;
        },
        finished: () => {
          const reply = originOf(request)?.reply;
          if (reply === undefined || reply === null) log();
          else reply.whenOver(log); // its body may be on its way still
        },
      };
    });
  };
};

const responseFrom = (reply: Reply): HttpResponse => (isResponse(reply) ? reply : { body: reply });

const octetsOf = (response: HttpResponse): number | undefined => {
  const { body } = response;
  if (body === null || body === undefined) return 0;
  if (isPiece(body)) return Buffer.byteLength(body);
  const announced = fieldOf(response, 'content-length');
  return announced === undefined ? undefined : Number(announced);
};

const entryOf = (request: HttpRequest, timeMs: number, status: number, bytes: number | undefined): AccessEntry => ({
  timeMs,
  durationMs: asyncScheduler.now() - timeMs,
  remoteAddr: request.remoteAddr,
  method: request.method,
  target: targetOf(request),
  protocol: request.protocol,
  status,
  bytes,
  referer: request.headers['referer'],
  userAgent: request.headers['user-agent'],
  requestId: (request as { readonly requestId?: string }).requestId, // asked, not assumed
});

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `06/May/2024:07:08:09 +0000`. */
const stampOf = (timeMs: number): string => {
  const time = new Date(timeMs);
  const day = String(time.getUTCDate()).padStart(2, '0');
  return `${day}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}:${time.toISOString().slice(11, 19)} +0000`;
};

/** As Apache does it: a quote, a backslash and what cannot be printed. */
const escaped = (text: string): string =>
  text.replace(/["\\]/g, '\\$&').replace(/[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);

const common = ({ remoteAddr, timeMs, method, target, protocol, status, bytes }: AccessEntry): string =>
  `${remoteAddr || '-'} - - [${stampOf(timeMs)}] "${method} ${escaped(target)} ${protocol}" ${status} ${bytes ?? '-'}`;

const FORMATS: Readonly<Record<string, (entry: AccessEntry) => string>> = {
  common,
  combined: (entry) => `${common(entry)} "${escaped(entry.referer ?? '-')}" "${escaped(entry.userAgent ?? '-')}"`,
  json: ({ timeMs, ...entry }) => JSON.stringify({ time: new Date(timeMs).toISOString(), ...entry }),
};

const checked = (
  options: AccessLogOptions,
): { readonly format: (entry: AccessEntry) => string; readonly write: (line: string) => void } => {
  knownOptions(options, ['format', 'to']);
  const { format = 'common', to = (line: string): void => console.log(line) } = options;
  const formatting = typeof format === 'function' ? format : Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (formatting === undefined) throw new OptionError('format', `is ${String(format)}, must be common, combined, json or a function`);
  if (typeof to === 'function') return { format: formatting, write: to };
  if (typeof to !== 'object' || to === null || typeof to.next !== 'function')
    throw new OptionError('to', 'must be a function or have next');
  return { format: formatting, write: (line) => to.next(line) };
};
