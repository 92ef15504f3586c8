/** What the compiler must infer of a WebSocket's operator; compiling this file is the test. */
import { concatMap, filter, map, merge, NEVER, type Observable, of, pipe } from 'rxjs';
import { asChannel, type Codec, type Handler, type HttpRequest, inOrder, json, type Message, websocket } from 'rx-http-kit';

interface Order {
  readonly lines: number;
}
interface Receipt {
  readonly total: number;
}
declare const prices$: Observable<string>;
declare const isKnown: (request: HttpRequest) => boolean;
declare const strict: Codec<Order, Receipt>;

const text = (message: Message): string => message.toString();

// An operator of RxJS, a pipe of them, a function of messages, of both.
export const operators: Handler[] = [
  websocket(map((message) => message)),
  websocket(map(text)),
  websocket(pipe(filter((message) => typeof message === 'string'), concatMap((message) => of(message, message)))), // prettier-ignore
  websocket(inOrder((message) => of(message))),
  websocket(() => NEVER),
  websocket(() => prices$),
  websocket((messages$) => messages$.pipe(map(text))),
  websocket((messages$, request) => merge(prices$, messages$.pipe(map((message) => `${text(message)} ${request.uri}`)))),
  websocket((messages$, request) => (isKnown(request) ? messages$ : { status: 401 })),
  websocket((messages$, { headers }) => (headers['x'] === undefined ? { status: 401 } : messages$), { queueSize: 10 }),
];

// With a codec: what the operator says, what the codec says, or what the call says.
export const values: Handler[] = [
  websocket(map(({ lines }: Order): Receipt => ({ total: lines })), { codec: json }), // prettier-ignore
  websocket<Order, Receipt>(map(({ lines }) => ({ total: lines })), { codec: json }), // prettier-ignore
  websocket<Order, Receipt>((orders$) => orders$.pipe(map(({ lines }) => ({ total: lines }))), { codec: json }),
  websocket<Order, Receipt>((orders$, request) => (isKnown(request) ? orders$.pipe(map(({ lines }) => ({ total: lines }))) : { status: 401 }), { codec: json }), // prettier-ignore
  websocket((orders$, request) => (isKnown(request) ? orders$.pipe(map(({ lines }) => ({ total: lines }))) : { status: 401 }), {
    codec: strict,
  }),
  asChannel((channel) => channel.subscribe(({ lines }) => channel.send({ total: lines })), { codec: strict }),
  asChannel((channel) => prices$.subscribe(channel)),
];

// @ts-expect-error without a codec a message is text or bytes
export const sendsValues: Handler = websocket(() => of({ total: 1 }));
// @ts-expect-error the codec wants receipts
export const sendsOthers: Handler = websocket(() => of({ lines: 1 }), { codec: strict });
