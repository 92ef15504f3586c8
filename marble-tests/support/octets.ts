/** What a server in virtual time writes, octet for octet, without the `date` line: for tests whose subject is the writing. */

const TEXT_TYPE = 'content-type: text/plain; charset=utf-8\r\n';

/** A reply of known length. */
export const whole = (body: string, extra: string = ''): string =>
  `HTTP/1.1 200 OK\r\n${TEXT_TYPE}content-length: ${body.length}\r\n${extra}\r\n${body}`;

/** An error of the server's own making. */
export const fault = (status: string, body: string, extra: string = ''): string =>
  `HTTP/1.1 ${status}\r\n${TEXT_TYPE}${extra}content-length: ${body.length}\r\n\r\n${body}`;

/** The fault of a request that is refused on the wire: the connection ends with it. */
export const refusal = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\n${TEXT_TYPE}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;

/** The start of a streamed reply, with its first pieces. */
export const streamed = (...pieces: readonly string[]): string =>
  `HTTP/1.1 200 OK\r\n${pieces.length === 0 ? '' : TEXT_TYPE}transfer-encoding: chunked\r\n\r\n${pieces.map(chunk).join('')}`;

export const chunk = (piece: string): string => `${piece.length.toString(16)}\r\n${piece}\r\n`;

export const LAST_CHUNK = '0\r\n\r\n';

export const CLOSE = 'connection: close\r\n';
