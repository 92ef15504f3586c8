/**
 * rx-http-kit as built in `dist/`.
 *
 * rxjs must be the very copy that `dist/` uses: a second one would make every subscription cross a boundary.
 */
import { from, map, pipe } from 'rxjs';
import { asJson, runServer } from '../../dist/index.js';
import { chunks, createReadable, hello, keepAliveTimeoutMs, known, receiptOf } from './answers.mjs';

const text = { 'content-type': 'text/plain' };
const bytes = { 'content-type': 'application/octet-stream' };

function answer(request) {
  switch (request.uri) {
    case '/':
      return { status: 200, headers: text, body: hello };
    case '/chunks':
      return { status: 200, headers: text, body: from(chunks) };
    case '/known':
      return { status: 200, headers: bytes, body: known };
    case '/readable':
      return { status: 200, headers: bytes, body: createReadable() };
    default:
      return { status: 404 };
  }
}

const answerJson = pipe(
  asJson(),
  map((order) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(receiptOf(order)) })),
);

export function start(port, path) {
  const options = { ip: '127.0.0.1', port, serverHeader: 'rx-http-kit', keepAliveTimeoutMs };
  return runServer(path === '/json' ? answerJson : map(answer), options);
}
