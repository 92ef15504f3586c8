/** Which way a feed is told to a client: by what the request asks for. */
import type { HttpRequest } from '../rx/request.js';
import { parametersOf } from './last-event-id.js';

export type FeedTransport = 'websocket' | 'sse' | 'ndjson' | 'poll';

const BY_NAME: Readonly<Record<string, FeedTransport>> = { sse: 'sse', ndjson: 'ndjson', poll: 'poll' };

/**
 * A handshake gets a WebSocket. Otherwise `?transport=sse`, `ndjson` or `poll` decides, then what `accept` likes best among
 * `text/event-stream`, `application/x-ndjson` and `application/json` by name; without any of them it is a long poll.
 *
 * @returns `undefined` for a `transport` that is none.
 */
export const transportOf = (request: HttpRequest): FeedTransport | undefined => {
  if (request.isWebSocket || /websocket/i.test(request.headers['upgrade'] ?? '')) return 'websocket';
  const name = parametersOf(request).get('transport');
  if (name !== null) return Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  return preferred(request.headers['accept'] ?? '');
};

const TYPES: readonly (readonly [string, FeedTransport])[] = [
  ['text/event-stream', 'sse'],
  ['application/x-ndjson', 'ndjson'],
  ['application/json', 'poll'],
];

const preferred = (accept: string): FeedTransport => {
  let best: FeedTransport = 'poll';
  let bestWeight = 0;
  for (const range of accept.toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const transport = TYPES.find(([name]) => name === type)?.[1];
    const weight = weightOf(parameters);
    if (transport === undefined || weight <= bestWeight) continue;
    best = transport;
    bestWeight = weight;
  }
  return best;
};

/** RFC 9110 §12.4.2. */
const weightOf = (parameters: readonly string[]): number => {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0;
};
