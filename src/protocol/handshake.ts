/**
 * The opening handshake of a WebSocket, RFC 6455 §4.2: what a request must have, and what the answer says.
 *
 * Owns: every check before a frame is read, but for extensions (`transport/deflate-negotiation.ts`). Pure.
 */
import { createHash } from 'node:crypto';
import { isToken } from './grammar.js';
import type { Fields } from './request-head.js';

/** What the checks look at. */
export interface HandshakeRequest {
  readonly method: string;
  /** `HTTP/1.1` or `HTTP/1.0`. */
  readonly protocol: string;
  readonly headers: Readonly<Partial<Fields>>;
  readonly contentLength: number | undefined;
}

/** A handshake that may be completed. */
export interface Handshake {
  readonly key: string;
  /** Subprotocols in the client's order of preference. */
  readonly protocols: readonly string[];
}

/** Why not, and what the client is told. */
export interface HandshakeRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The only version there is, RFC 6455 §4.1. */
const VERSION = '13';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Sixteen bytes in base64, RFC 6455 §4.2.1(5): the last character before the padding carries two bits. */
const KEY = /^[+/0-9A-Za-z]{21}[AQgw]==$/;

const refusal = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): HandshakeRefusal => ({
  status,
  headers,
  body,
});

/** Checks a request that wants to become a WebSocket. */
export const readHandshake = (request: HandshakeRequest): Handshake | HandshakeRefusal => {
  const { headers } = request;
  if (request.method !== 'GET') return refusal(405, 'a WebSocket handshake is a GET', { allow: 'GET' });
  if (headers['upgrade'] === undefined) {
    return refusal(426, 'this is a WebSocket endpoint', { upgrade: 'websocket', 'sec-websocket-version': VERSION });
  }
  if (request.protocol !== 'HTTP/1.1') return refusal(400, 'a WebSocket handshake needs HTTP/1.1');
  if (!hasMember(headers['upgrade'], 'websocket')) return refusal(400, 'the upgrade field does not name websocket');
  if (!hasMember(headers['connection'], 'upgrade')) return refusal(400, 'the connection field does not name upgrade');
  if (headers['sec-websocket-version'] !== VERSION) {
    return refusal(426, 'the WebSocket version is 13', { upgrade: 'websocket', 'sec-websocket-version': VERSION });
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined || !KEY.test(key)) return refusal(400, 'sec-websocket-key is not 16 bytes in base64');
  if ((request.contentLength ?? 0) > 0 || headers['transfer-encoding'] !== undefined) {
    return refusal(400, 'a WebSocket handshake has no body');
  }
  const protocols = readProtocols(headers['sec-websocket-protocol']);
  if (protocols === null) return refusal(400, 'sec-websocket-protocol is malformed');
  return { key, protocols };
};

export const isRefusal = (result: Handshake | HandshakeRefusal): result is HandshakeRefusal => 'status' in result;

/** `sec-websocket-accept`, RFC 6455 §4.2.2(5.4). */
export const acceptFor = (key: string): string =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64');

/** Unique tokens, RFC 6455 §4.1(10), §11.3.4; `null` for what is none. */
const readProtocols = (field: string | undefined): readonly string[] | null => {
  if (field === undefined) return [];
  const protocols = field.split(',').map(withoutBlanks);
  return protocols.every(isToken) && new Set(protocols).size === protocols.length ? protocols : null;
};

const hasMember = (list: string | undefined, wanted: string): boolean =>
  list !== undefined && list.split(',').some((member) => withoutBlanks(member).toLowerCase() === wanted);

/** `trim` would take more than SP and HTAB, RFC 9110 §5.6.3. */
const withoutBlanks = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '');
