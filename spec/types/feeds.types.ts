/** What the compiler must accept, infer and refuse of feeds; compiling this file is the test. */
import { map, type Observable, of } from 'rxjs';
import {
  conflate,
  detached,
  dropOldest,
  eventStream,
  type Feed,
  feed,
  type FeedDrop,
  type Handler,
  type HttpRequest,
  json,
  latest,
  ndjson,
  type Published,
  type Replayable,
  stream,
  type Topic,
  topic,
  websocket,
} from 'rx-http-kit';
import type { Equal, Expect } from '../support/type-equality.js';

interface Price {
  readonly symbol: string;
}

declare const prices$: Observable<Price>;
const prices: Topic<Price> = topic<Price>('prices');
declare const rooms: ReadonlyMap<string, Topic<Price>>;

export const ofTopic: Feed = feed(prices, { overflow: conflate((price) => price.symbol) });
export const ofTopicMade: Feed = feed(topic<Price>('p'), { overflow: conflate((price) => price.symbol, { maxKeys: 10 }) });
export const ofObservable: Feed = feed(prices$, { overflow: conflate((price) => price.symbol), history: 100, graceMs: 10_000 });
export const ofChoice: Feed = feed((request: HttpRequest) => rooms.get(request.uri), { overflow: conflate((price) => price.symbol) });
const tokens: (request: HttpRequest) => Replayable<Price> | undefined = detached(() => prices$, { keyOf: ({ uri }) => uri, ttlMs: 60_000 });
export const ofDetached: Feed = feed(tokens, { overflow: conflate((price) => price.symbol) });
export const ofDetachedAtOnce: Feed = feed(
  detached(() => prices$, { keyOf: () => 'a' }),
  {
    overflow: conflate((price: Price) => price.symbol),
  },
);
export const anyPolicy: Feed = feed(prices, { overflow: dropOldest(), codec: json });
export const isHandler: Handler = feed(prices);

export const streamed: Handler = stream(() => prices$, { codec: ndjson, overflow: conflate((price) => price.symbol) });
export const overWebSocket: Handler = websocket(() => prices$, { codec: json, overflow: conflate((price) => price.symbol) });
export const overWebSocketTyped: Handler = websocket(() => prices$, { codec: json, overflow: conflate((price: Price) => price.symbol) });
export const newest: Handler = stream(() => prices$, { codec: ndjson, overflow: latest() });
export const events: Handler = eventStream(() => prices$.pipe(map((price) => ({ event: 'price', data: JSON.stringify(price) }))));
export const eventsByKey: Handler = eventStream(() => prices$.pipe(map((data) => ({ data }))), {
  codec: json,
  overflow: conflate((event) => event.data?.symbol),
});
export const texts: Handler = eventStream(() => of('a', 'b'));

export type PublishedByTopic = Expect<Equal<typeof prices extends Observable<infer P> ? P : never, Published<Price>>>;
export type DropsOfFeed = Expect<Equal<Feed['dropped$'], Observable<FeedDrop>>>;
export const id: string = prices.publish({ symbol: 'ABC' });
prices$.subscribe(prices);

// @ts-expect-error what is published is a price
prices.publish({ symbl: 'ABC' });
// @ts-expect-error a price has no such key
export const wrongKey: Feed = feed(prices, { overflow: conflate((price) => price.symbl) });
// @ts-expect-error a topic keeps its own history
export const twoHistories: Feed = feed(prices, { history: 5 });
// @ts-expect-error an option that is none
export const misspelt: Handler = stream(() => of('a'), { statuz: 201 });
// @ts-expect-error without a codec data is text
export const unencoded: Handler = eventStream(() => prices$);
