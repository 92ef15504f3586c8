/** `ws` on `node:http`, with its own defaults. */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { startPrices } from './answers.mjs';

let made = () => 0;

/** How many updates there were. */
export const count = () => made();

export function start(port, path) {
  const server = new WebSocketServer({ port, host: '127.0.0.1', backlog: 4096 });
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    if (path === '/fan-out') socket.on('message', (data, isBinary) => tellAll(server, data, isBinary));
    else if (path !== '/conflated') socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  if (path === '/conflated') made = startPrices((price) => tellWhoKeepsUp(server, JSON.stringify(price)));
  return once(server, 'listening');
}

function tellAll(server, data, isBinary) {
  for (const client of server.clients) client.send(data, { binary: isBinary });
}

/** Without a look at what waits its memory would grow by all that half of the clients do not take. */
function tellWhoKeepsUp(server, text) {
  for (const client of server.clients) if (client.bufferedAmount < 65_536) client.send(text);
}
