/** WebSocket bytes made before anything is measured, RFC 6455 §4.1 and §5.2. */
import { createHash } from 'node:crypto';

const key = Buffer.from('sixteen letters.').toString('base64');
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const textOpcode = 0x81;

/** The opening handshake; all clients share one key, which proves only that the server has read it. */
export const handshakeText = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
  `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`;

/** What a 101 to `handshakeText` must say. */
export const acceptValue: string = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** One text frame as a client sends it. Texts are ASCII and fit a short header. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text, 'latin1').map((byte, index) => byte ^ mask[index % 4]);
  return Buffer.concat([Buffer.from([textOpcode, 0x80 | shortLength(text)]), mask, payload]);
}

/** The same frame as a server sends it. */
export const serverFrame = (text: string): Buffer =>
  Buffer.concat([Buffer.from([textOpcode, shortLength(text)]), Buffer.from(text, 'latin1')]);

function shortLength({ length }: string): number {
  if (length > 125) throw new Error(`${length} bytes need a longer header`);
  return length;
}
