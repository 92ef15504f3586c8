/**
 * A parsed request head: what the server itself needs as plain fields, all that is a string made when first asked for.
 *
 * Owns: the bytes of the head, and how they become Ring's words. Leaves: finding and checking them to `request-parser.ts`.
 */
import { splitAuthority } from './grammar.js';

/** Field names in lower case → values; null prototype, so that `__proto__` and `constructor` are ordinary names. */
export type Fields = Record<string, string>;

/** A request head as the floors above see it, whoever has read it. */
export interface ReceivedHead {
  readonly method: string;
  /** `HTTP/1.1`. */
  readonly protocol: string;
  readonly scheme: 'http' | 'https';
  /** The path, still percent-encoded; `*` for `OPTIONS *`. */
  readonly uri: string;
  readonly queryString: string | undefined;
  /** Empty where the client named none. */
  readonly serverName: string;
  readonly serverPort: number | undefined;
  /** Octets, or -1 where the head announces none. */
  readonly contentLength: number;
  readonly asksWebSocket: boolean;
  /** Made anew at each call: who needs it twice keeps it. */
  readonly headers: Fields;
}

/** What the parser found, taken over at once. Offsets count from the start of `bytes`. */
export interface HeadFacts {
  readonly bytes: Buffer;
  readonly method: string;
  readonly minorVersion: number;
  readonly contentLength: number;
  readonly isChunked: boolean;
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
  readonly asksUpgrade: boolean;
  readonly fieldCount: number;
  readonly byteLength: number;
  readonly targetAuthority: string | undefined;
  readonly pathStart: number;
  /** Of the `?`, or `targetEnd` where there is none. */
  readonly queryStart: number;
  readonly targetEnd: number;
  readonly hostStart: number;
  readonly hostEnd: number;
  readonly fieldsStart: number;
  readonly fieldsEnd: number;
}

export class RequestHead implements ReceivedHead {
  readonly method: string;
  /** 0 or 1: a request of HTTP/1.2 to HTTP/1.9 is one of HTTP/1.1. */
  readonly minorVersion: number;
  /** Octets, or -1 where the head announces none. */
  readonly contentLength: number;
  readonly isChunked: boolean;
  /** The client wants the connection to persist, RFC 9112 §9.3. */
  readonly keepAlive: boolean;
  /** `expect: 100-continue`, RFC 9110 §10.1.1. */
  readonly expectsContinue: boolean;
  /** An `upgrade` field and the connection option that makes it count, RFC 9110 §7.8. */
  readonly asksUpgrade: boolean;
  readonly fieldCount: number;
  /** Octets of the head, from the first one (leading CRLF included) through the final CRLF. */
  readonly byteLength: number;
  private readonly bytes: Buffer;
  private readonly pathStart: number;
  private readonly queryStart: number;
  private readonly targetEnd: number;
  private readonly hostStart: number;
  private readonly hostEnd: number;
  private readonly fieldsStart: number;
  private readonly fieldsEnd: number;
  /** The authority of an absolute-form target; it replaces the host field, RFC 9112 §3.2.2. */
  private readonly targetAuthority: string | undefined;

  constructor(facts: HeadFacts) {
    this.method = facts.method;
    this.minorVersion = facts.minorVersion;
    this.contentLength = facts.contentLength;
    this.isChunked = facts.isChunked;
    this.keepAlive = facts.keepAlive;
    this.expectsContinue = facts.expectsContinue;
    this.asksUpgrade = facts.asksUpgrade;
    this.fieldCount = facts.fieldCount;
    this.byteLength = facts.byteLength;
    this.bytes = facts.bytes;
    this.pathStart = facts.pathStart;
    this.queryStart = facts.queryStart;
    this.targetEnd = facts.targetEnd;
    this.hostStart = facts.hostStart;
    this.hostEnd = facts.hostEnd;
    this.fieldsStart = facts.fieldsStart;
    this.fieldsEnd = facts.fieldsEnd;
    this.targetAuthority = facts.targetAuthority;
  }

  /** What it was made of, its bytes cut to what is needed. */
  get facts(): HeadFacts {
    const from = this.pathStart;
    const at = (offset: number): number => Math.max(offset - from, 0);
    return {
      bytes: this.bytes.subarray(from, Math.max(this.targetEnd, this.hostEnd, this.fieldsEnd)),
      method: this.method,
      minorVersion: this.minorVersion,
      contentLength: this.contentLength,
      isChunked: this.isChunked,
      keepAlive: this.keepAlive,
      expectsContinue: this.expectsContinue,
      asksUpgrade: this.asksUpgrade,
      fieldCount: this.fieldCount,
      byteLength: this.byteLength,
      targetAuthority: this.targetAuthority,
      pathStart: 0,
      queryStart: at(this.queryStart),
      targetEnd: at(this.targetEnd),
      hostStart: at(this.hostStart),
      hostEnd: at(this.hostEnd),
      fieldsStart: at(this.fieldsStart),
      fieldsEnd: at(this.fieldsEnd),
    };
  }

  get protocol(): string {
    return this.minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
  }

  /** Whatever encrypts a connection stands before this server. */
  get scheme(): 'http' {
    return 'http';
  }

  get hasBody(): boolean {
    return this.isChunked || this.contentLength > 0;
  }

  /** A WebSocket is asked for: the connection becomes one, or closes. */
  get asksWebSocket(): boolean {
    return this.asksUpgrade && WEBSOCKET.test(this.headers['upgrade']);
  }

  /** The path, still percent-encoded; `*` for `OPTIONS *`; inside an absolute-form target its path, `/` if that is empty. */
  get uri(): string {
    const path = this.bytes.toString('latin1', this.pathStart, this.queryStart);
    return path === '' ? '/' : path;
  }

  /** What stands behind the `?`, still percent-encoded; `undefined` where there is no `?`. */
  get queryString(): string | undefined {
    return this.queryStart < this.targetEnd ? this.bytes.toString('latin1', this.queryStart + 1, this.targetEnd) : undefined;
  }

  /** The host the client asked for, without port, brackets kept; empty where it named none. */
  get serverName(): string {
    return splitAuthority(this.authority).host;
  }

  /** The port of the host that the client asked for, `undefined` where it named none. */
  get serverPort(): number | undefined {
    return splitAuthority(this.authority).port;
  }

  /** Made anew at each call: who needs it twice keeps it. */
  get headers(): Fields {
    return fieldsFrom(this.bytes.toString('latin1', this.fieldsStart, this.fieldsEnd));
  }

  private get authority(): string {
    return this.targetAuthority ?? this.bytes.toString('latin1', this.hostStart, this.hostEnd);
  }
}

const WEBSOCKET = /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i;

/**
 * Field lines to a map: names in lower case, duplicates joined by `, ` (cookies by `; `, RFC 6265 §5.4).
 *
 * @param lines - Checked by the parser before: every line is `name:value CR LF`.
 */
export const fieldsFrom = (lines: string): Fields => {
  const fields = Object.create(null) as Fields; // Object.create is typed any
  let start = 0;
  while (start < lines.length) {
    const colon = lines.indexOf(':', start);
    const end = lines.indexOf('\r', colon);
    const name = lines.slice(start, colon).toLowerCase(); // a token: US-ASCII only
    const value = withoutWhitespace(lines, colon + 1, end);
    const before = fields[name];
    fields[name] = before === undefined ? value : before + (name === 'cookie' ? '; ' : ', ') + value;
    start = end + 2;
  }
  return fields;
};

/** `trim()` would take NBSP, VT and FF too: optional white space is SP and HTAB only, RFC 9110 §5.6.3. */
const withoutWhitespace = (text: string, from: number, to: number): string => {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
};

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
