/**
 * rx-http-kit as built in `dist/`.
 *
 * rxjs must be the very copy that `dist/` uses: a second one would make every subscription cross a boundary.
 */
import { from, map, mergeMap, of, pipe } from 'rxjs';
import { asChannel, asJson, encodeOnce, inWorkers, json, runProcesses, runServer, websocket } from '../../dist/index.js';
import { context, get, routes } from '../../dist/routing/index.js';
import { chunks, createReadable, hello, keepAliveTimeoutMs, known, lineOf, receiptOf, shopNames } from './answers.mjs';
import threaded from './threaded.mjs';

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

/** An idle client must outlive a whole run here too. */
const webSockets = { heartbeatMs: keepAliveTimeoutMs };

const echo = websocket(
  map((message) => message),
  webSockets,
);

const channels = new Set();
const fanOut = asChannel((channel) => {
  channels.add(channel);
  channel.onReceive((message) => {
    const encoded = encodeOnce(message);
    for (const each of channels) each.send(encoded);
  });
  return () => channels.delete(channel);
}, webSockets);

/** One route is computed elsewhere, the others are here. */
const beside = (path, handler) => mergeMap((request) => of(request).pipe(request.uri === path ? handler : threaded));

/** Threads are started for those scenarios alone that are about them. */
const threadedHandlers = {
  '/cpu-loop': () => beside('/cpu-loop', threaded),
  '/cpu-threads': () => beside('/cpu-threads', inWorkers(new URL('./threaded.mjs', import.meta.url), { thread: 2 })),
  '/thread': () => inWorkers(new URL('./threaded.mjs', import.meta.url), { thread: 1, requestsPerThread: 64 }),
};

const line = map(({ params }) => json(lineOf(params.order, params.line)));
const shops = (names) => routes(...names.map((name) => get(`/${name}/orders/:order/lines/:line`, line)));

const handlers = {
  '/shop24/orders/4711/lines/7': shops(shopNames(50, 2)),
  '/002/shop001/orders/4711/lines/7': context('/002', shops(shopNames(2, 3))),
  '/200/shop199/orders/4711/lines/7': context('/200', shops(shopNames(200, 3))),
  '/json': answerJson,
  '/echo': echo,
  '/fan-out': fanOut,
};

/** Handlers that many processes serve, each under its own path. */
const processes = { '/cpu-one-process': 1, '/cpu-two-processes': 2 };

export function start(port, path) {
  const options = { ip: '127.0.0.1', port, serverHeader: 'rx-http-kit', keepAliveTimeoutMs };
  if (path in processes) return runProcesses(new URL('./threaded.mjs', import.meta.url), { ...options, processes: processes[path] });
  return runServer(threadedHandlers[path]?.() ?? handlers[path] ?? map(answer), options);
}
