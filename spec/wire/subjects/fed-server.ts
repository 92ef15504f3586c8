/** A feed that is published in rounds, as the spec asks for them: `fed-server.js <policy> <messages in a round> [<Unix socket>]`. */
import { conflate, disconnect, dropOldest, feed, type OverflowPolicy, topic } from 'rx-http-kit';
import { serveApart } from '../../support/serve-apart.js';

/** Octets of a message: `@`, seven digits, and what fills it up. No length of a frame of these has an octet that is an `@`. */
const OCTETS = 4_096;
/** A round may wait. */
const QUEUE_SIZE = 64;

const [, , policy, inRound, path] = process.argv;

const POLICIES: Readonly<Record<string, OverflowPolicy<string>>> = {
  dropOldest: dropOldest(),
  conflate: conflate((message: string) => Number(message.slice(1, 8)) % Number(inRound)), // a round has each key once
  disconnect: disconnect(),
};

const messages = topic<string>('messages', { history: QUEUE_SIZE });
const handler = feed(messages, { overflow: POLICIES[policy], queueSize: QUEUE_SIZE });
let published = 0;
let dropped = 0;
handler.dropped$.subscribe(({ count }) => (dropped += count));

/** @returns how many were published in all. */
const publishRound = (): number => {
  for (let left = Number(inRound); left > 0; left--) messages.publish(`@${String(++published).padStart(7, '0')}`.padEnd(OCTETS, '.'));
  return published;
};

await serveApart(
  handler,
  { stallTimeoutMs: 600_000, path },
  {
    round: publishRound,
    clients: () => handler.clients.websocket + handler.clients.sse + handler.clients.ndjson,
    dropped: () => dropped,
  },
);
