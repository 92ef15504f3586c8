/** What the compiler must accept and refuse of backpressure; compiling this file is the test. */
import type { Readable } from 'node:stream';
import { map, type Observable, of, type OperatorFunction } from 'rxjs';
import {
  asChannel,
  type Channel,
  type ChannelCounts,
  conflate,
  type Drop,
  dropOldest,
  fromReadable,
  type Handler,
  inOrder,
  latest,
  ndjson,
  type OverflowPolicy,
  type Pausable,
  stream,
  suspend,
  websocket,
} from 'rx-http-kit';
import type { Equal, Expect } from '../support/type-equality.js';

interface Price {
  readonly symbol: string;
}

declare const prices$: Observable<Price>;
declare const readable: Readable;

export type DropsTellTheirReason = Expect<Equal<Channel<string, string>['dropped$'], Observable<Drop>>>;
export type CountsAreNumbers = Expect<Equal<ChannelCounts[keyof ChannelCounts], number>>;
export type BufferedIsACount = Expect<Equal<Channel<string, string>['buffered$'], Observable<number>>>;
export type WritableIsAState = Expect<Equal<Channel<string, string>['writable$'], Observable<boolean>>>;

export const bySymbol: OverflowPolicy<Price> = conflate((price: Price) => price.symbol, { maxKeys: 10 });
export const forAnything: OverflowPolicy<Price> = dropOldest();
export const overWebSocket: Handler = websocket<unknown, Price>(() => prices$, { codec: ndjson, overflow: bySymbol });
export const overHttp: Handler = stream(() => prices$, { codec: ndjson, overflow: bySymbol });
export const asItIs: Handler = stream(() => of('a', new Uint8Array(1)), { overflow: latest(), status: 201 });
export const pulled: Handler = stream(() => readable, { overflow: suspend() });
export const refused: Handler = stream(() => ({ status: 404 }));
export const fed: Handler = asChannel((channel) => fromReadable(readable).subscribe(channel), { overflow: suspend() });

export const lines: Pausable<string> = fromReadable(['a', 'b']);
export const bytes: Pausable<Buffer> = fromReadable<Buffer>(() => readable);
export const lengths: OperatorFunction<string, number> = inOrder((text: string) => of(text.length));
export const numbered: OperatorFunction<string, number> = inOrder(async (_: string, index) => index);

// @ts-expect-error a policy for prices cannot tell the key of a text
export const wrongKey: Handler = websocket<unknown, string>(() => of('a'), { codec: ndjson, overflow: bySymbol });
// @ts-expect-error without a codec a stream is of text and bytes
export const unencoded: Handler = stream(() => of(5));
// @ts-expect-error a policy is made by a function
export const byName: Handler = stream(() => of('a'), { overflow: 'latest' });
// @ts-expect-error the inside of a channel is not for applications
export const inside = (channel: Channel<string, string>): void => channel.settle();
// @ts-expect-error inOrder makes streams of items
export const notAStream: OperatorFunction<string, number> = inOrder((text: string) => text.length);
export const isAnOperator: Observable<number> = of('a').pipe(map(String), lengths);
