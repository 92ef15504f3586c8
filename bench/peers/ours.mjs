/**
 * rx-http-kit as built in `dist/`.
 *
 * rxjs must be the very copy that `dist/` uses: a second one would make every subscription cross a boundary.
 */
import { from, map, mergeMap, of, pipe, startWith, Subject } from 'rxjs';
import {
  asChannel,
  asJson,
  conflate,
  encodeOnce,
  eventStream,
  feed,
  inWorkers,
  json,
  runProcesses,
  runServer,
  topic,
  websocket,
} from '../../dist/index.js';
import { context, get, routes } from '../../dist/routing/index.js';
import { chunks, createReadable, hello, keepAliveTimeoutMs, known, lineOf, news, receiptOf, shopNames, startPrices } from './answers.mjs';
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

/** A stream, and the way to have something told. */
const told = (stream, tell) =>
  mergeMap((request) => {
    if (request.uri !== '/tell') return of(request).pipe(stream);
    tell();
    return of({ status: 204 });
  });

const newsTopic = topic('news');
const newsFeed = told(feed(newsTopic, { codec: { encode: (text) => text } }), () => newsTopic.publish(news));

const events = new Subject();
let lastId = 0;
const newsEvents = told(
  eventStream(() => events.pipe(startWith({ id: String(lastId) }))),
  () => events.next({ id: String(++lastId), data: news }),
);

let made = () => 0;

/** How many updates there were. */
export const count = () => made();

/** All updates go to all clients: what a slow one does not take is conflated by its key. */
const conflated = () => {
  const prices = topic('prices', { history: 0 });
  made = startPrices((price) => prices.publish(price));
  return feed(prices, { overflow: conflate(({ symbol }) => symbol), webSocket: webSockets });
};

/** One route is computed elsewhere, the others are here. */
const beside = (path, handler) => mergeMap((request) => of(request).pipe(request.uri === path ? handler : threaded));

/** Threads and prices are started for those scenarios alone that are about them. */
const startedHandlers = {
  '/conflated': conflated,
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
  '/feed': newsFeed,
  '/events': newsEvents,
};

/** Handlers that many processes serve, each under its own path. */
const processes = { '/cpu-one-process': 1, '/cpu-two-processes': 2 };

export function start(port, path) {
  const options = { ip: '127.0.0.1', port, serverHeader: 'rx-http-kit', keepAliveTimeoutMs };
  if (path in processes) return runProcesses(new URL('./threaded.mjs', import.meta.url), { ...options, processes: processes[path] });
  return runServer(startedHandlers[path]?.() ?? handlers[path] ?? map(answer), options);
}
