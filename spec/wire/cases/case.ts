/**
 * The vocabulary of the case files: one case is one line, made of a rule, a sentence, bytes, and what must happen.
 *
 * Texts are latin1: one character, one byte.
 */

/** What the handler was told about a request; only the members that a case names are compared. */
export interface Told {
  readonly method?: string;
  readonly uri?: string;
  readonly queryString?: string | null;
  readonly protocol?: string;
  readonly serverName?: string;
  /** Only the named fields are compared; null means that the field must be absent. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: string;
  /** All trailers. */
  readonly trailers?: Readonly<Record<string, string>>;
  readonly contentLength?: number | null;
  readonly contentType?: string | null;
  readonly characterEncoding?: string | null;
}

export interface WireCase {
  readonly name: string;
  readonly send: string;
  /** Statuses of all final replies, in order; a list where the RFC leaves a choice and nothing hangs on it. */
  readonly want: readonly (number | readonly number[])[];
  /** What becomes of the connection after the last reply. */
  readonly then: 'open' | 'close';
  /** Methods of the requests, where one is HEAD. */
  readonly methods?: readonly string[];
  /** What the handler was told of each answered request. */
  readonly told?: readonly Told[];
  /** The fault lies behind the head: the handler may have run. */
  readonly inBody?: boolean;
  /** No byte follows: the server must not wait for more. */
  readonly isOpenEnded?: boolean;
  /** Fields of the last reply that must have this value, or be absent. */
  readonly reply?: Readonly<Record<string, string | null>>;
}

/** A well-formed GET with further field lines; `fields` has no trailing CRLF. */
export const get = (fields: string, rest: string = ''): string => `GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n${rest}`;

/** A POST with further field lines and a body. */
export const post = (fields: string, body: string = ''): string => `POST / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n${body}`;

/** A chunked POST: `body` is what stands behind the head. */
export const chunked = (body: string): string => post('Transfer-Encoding: chunked', body);

/** A request with this request line and a Host. */
export const line = (requestLine: string): string => `${requestLine}\r\nHost: x\r\n\r\n`;

/** A GET with these field lines only, Host included or not. */
export const bare = (fields: string, version: string = '1.1'): string => `GET / HTTP/${version}\r\n${fields}\r\n\r\n`;

/** Refused with `status`, and the connection closes: `rule` is the section that says so. */
export const refused =
  (status: number | readonly number[], rule: string) =>
  (name: string, send: string): WireCase => ({ name: `${rule}: ${name}`, send, want: [status], then: 'close' });

/** Refused for something behind the head. */
export const refusedInBody =
  (status: number | readonly number[], rule: string) =>
  (name: string, send: string): WireCase => ({ name: `${rule}: ${name}`, send, want: [status], then: 'close', inBody: true });

/** Answered with 200, and the connection stays. */
export const accepted =
  (rule: string) =>
  (name: string, send: string, ...told: readonly Told[]): WireCase => ({
    name: `${rule}: ${name}`,
    send,
    want: told.length > 1 ? told.map(() => 200) : [200],
    then: 'open',
    told,
  });

/** Answered with 200, and the connection closes. */
export const acceptedLast =
  (rule: string) =>
  (name: string, send: string, ...told: readonly Told[]): WireCase => ({ ...accepted(rule)(name, send, ...told), then: 'close' });

/** A byte as it is written in names of cases. */
export const byteName = (code: number): string =>
  code > 0x20 && code < 0x7f ? String.fromCharCode(code) : `0x${code.toString(16).padStart(2, '0')}`;
