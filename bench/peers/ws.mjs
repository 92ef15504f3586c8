/** `ws` on `node:http`, with its own defaults. */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';

export function start(port, path) {
  const server = new WebSocketServer({ port, host: '127.0.0.1', backlog: 4096 });
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    if (path === '/fan-out') socket.on('message', (data, isBinary) => tellAll(server, data, isBinary));
    else socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return once(server, 'listening');
}

function tellAll(server, data, isBinary) {
  for (const client of server.clients) client.send(data, { binary: isBinary });
}
