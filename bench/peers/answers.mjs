/**
 * What every server under test answers, so that all do the same work.
 *
 * Each `peers/<name>.mjs` exports `start(port, path)`: it listens on 127.0.0.1 and resolves when bound. `path` is the one
 * resource that will be asked for; a server with a router of its own ignores it. The process is ended from outside.
 * The paths: `/` hello · `/json` POST read and answered · `/chunks` 100 chunks in one turn · `/known` 10 MiB of known
 * length · `/readable` 10 MiB from a Readable · `/shop24/…` the 25th of fifty routes. Ours alone: `/cpu-loop` 5 ms of computing on the event loop · `/cpu-threads` the same
 * on two threads · `/thread` hello on a thread. WebSockets: `/echo` each message back · `/fan-out` each message to all.
 * Server-sent events: `/events`, and of ours `/feed`: each stream begins with an event that has an id and no data; `/tell` sends
 * `news` with the next id to all, and is answered 204. `/conflated` tells every WebSocket what `startPrices` makes, and `count()` is how
 * many there were.
 */
import { Readable } from 'node:stream';

export const hello = 'hello';

export const news = 'news '.repeat(24);

export const chunks = Array.from({ length: 100 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(100));

export const known = Buffer.alloc(10 * 1024 * 1024, 'x');

/** An order as `/json` receives it, to the answer that proves it was read. */
export const receiptOf = (order) => ({ id: order.id, total: order.lines.reduce((sum, line) => sum + line.cents, 0) });

/** 10 MiB in pieces of 64 KiB, the size that a file stream gives; whoever answers with it reads it to the end. */
export function createReadable() {
  const piece = known.subarray(0, 64 * 1024);
  let left = known.length / piece.length;
  return new Readable({
    highWaterMark: piece.length,
    read() {
      this.push(left-- > 0 ? piece : null);
    },
  });
}

/** An idle connection must outlive a whole run. The defaults lie between 5 and 75 s; all get the same. */
export const keepAliveTimeoutMs = 3_600_000;

/** `shop00`, `shop01` …: the first segments of as many routes. */
export const shopNames = (count, digits) => Array.from({ length: count }, (_, index) => `shop${String(index).padStart(digits, '0')}`);

/** What a route answers with, out of its params. */
export const lineOf = (order, line) => ({ order, line });

/**
 * Price updates of 1,000 symbols, 50,000 a second, in ticks of 10 ms; fewer where a tick takes longer. They begin when they are first
 * counted: clients that come to a server which is busy all the time come slowly.
 */
export function startPrices(tell) {
  const keys = 1_000;
  const inTick = 500;
  let made = 0;
  let ticks;
  const tick = () => {
    for (let left = inTick; left > 0; left--)
      tell({ symbol: `S${made % keys}`, bid: 100 + (made % 7), ask: 101 + (made % 7), seq: ++made });
  };
  return () => {
    ticks ??= setInterval(tick, 10);
    return made;
  };
}
