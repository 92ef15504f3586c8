/** Request heads that a server of another make has read. */
import { splitAuthority } from '../protocol/grammar.js';
import type { Fields, ReceivedHead } from '../protocol/request-head.js';

/** What such a server knows of a head. */
export interface HeadParts {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly protocol: string;
  readonly scheme: 'http' | 'https';
  readonly headers: Fields;
}

export class ForeignHead implements ReceivedHead {
  readonly method: string;
  readonly protocol: string;
  readonly scheme: 'http' | 'https';
  readonly uri: string;
  readonly queryString: string | undefined;
  readonly contentLength: number;
  readonly headers: Fields;

  constructor({ method, target, protocol, scheme, headers }: HeadParts) {
    const question = target.indexOf('?');
    this.method = method;
    this.protocol = protocol;
    this.scheme = scheme;
    this.uri = question < 0 ? target : target.slice(0, question);
    this.queryString = question < 0 ? undefined : target.slice(question + 1);
    this.contentLength = lengthFrom(headers['content-length']);
    this.headers = headers;
  }

  get serverName(): string {
    return splitAuthority(this.headers['host'] ?? '').host;
  }

  get serverPort(): number | undefined {
    return splitAuthority(this.headers['host'] ?? '').port ?? (this.scheme === 'https' ? 443 : undefined);
  }

  get asksWebSocket(): boolean {
    return /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i.test(this.headers['upgrade'] ?? '');
  }
}

/** A `Request` can be given any text. */
const lengthFrom = (text: string | undefined): number => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : -1);

/** Names in lower case, duplicates joined as our own parser joins them; HTTP/2's pseudo-header fields are none, RFC 9113 §8.3. */
export const fieldsOf = (lines: Iterable<readonly [name: string, value: string]>): Fields => {
  const fields = Object.create(null) as Fields; // Object.create is typed any
  for (const [written, value] of lines) {
    const name = written.toLowerCase();
    if (name.startsWith(':')) continue;
    const before = fields[name];
    if (before !== undefined && name === 'host') continue; // RFC 9112 §3.2 allows one; whoever has not refused them has gone by the first
    fields[name] = before === undefined ? value : before + (name === 'cookie' ? '; ' : ', ') + value;
  }
  return fields;
};
