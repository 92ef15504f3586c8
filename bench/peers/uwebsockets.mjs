/** µWebSockets.js: a server in C++; the ceiling for a handler written in JavaScript. It closes connections idle for 10 s. */
import uws from 'uwebsockets';
import { chunks, hello, known, receiptOf } from './answers.mjs';

export function start(port) {
  const app = uws
    .App()
    .get('/', (response) => {
      response.writeHeader('content-type', 'text/plain').end(hello);
    })
    .post('/json', (response) => answerJson(response))
    .get('/chunks', (response) => {
      response.writeHeader('content-type', 'text/plain');
      for (const chunk of chunks) response.write(chunk);
      response.end();
    })
    .get('/known', (response) => answerKnown(response))
    .ws('/echo', { idleTimeout: 0, message: (socket, message, isBinary) => socket.send(message, isBinary) })
    .ws('/fan-out', {
      idleTimeout: 0,
      open: (socket) => socket.subscribe('all'),
      message: (socket, message, isBinary) => app.publish('all', message, isBinary),
    });
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', port, (listening) => (listening ? resolve() : reject(new Error(`port ${port} is taken`))));
  });
}

function answerJson(response) {
  const pieces = [];
  response.onAborted(() => {});
  response.onData((piece, isLast) => {
    // Lent for this call only: what is not the last piece must be copied.
    pieces.push(isLast ? Buffer.from(piece) : Buffer.concat([Buffer.from(piece)]));
    if (!isLast) return;
    const body = JSON.stringify(receiptOf(JSON.parse(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))));
    response.cork(() => response.writeHeader('content-type', 'application/json').end(body));
  });
}

function answerKnown(response) {
  response.onAborted(() => {});
  response.writeHeader('content-type', 'application/octet-stream');
  response.onWritable((offset) => response.tryEnd(known.subarray(offset), known.length)[0]);
  response.tryEnd(known, known.length);
}
