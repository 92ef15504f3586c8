/**
 * The floor of this runtime: a fixed string for every chunk that arrives, nothing parsed.
 * Right only while each chunk is exactly one request, so it takes no part where requests are pipelined.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { hello } from './answers.mjs';

const response = `HTTP/1.1 200 OK\r\nserver: rawnet\r\ndate: ${new Date().toUTCString()}\r\ncontent-type: text/plain\r\ncontent-length: ${hello.length}\r\n\r\n${hello}`;

export function start(port) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.write(response, 'latin1'));
    socket.on('error', () => socket.destroy());
  });
  return once(server.listen(port, '127.0.0.1', 4096), 'listening');
}
