/** Many topics on one WebSocket, as RxJS's own client asks for them. */
import { Observable, type OperatorFunction, Subscriber } from 'rxjs';

/** Topic → its source; `params` is the whole message that subscribed. */
export type MultiplexTopics = Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => Observable<unknown>>>;

/** What a client says. */
export type MultiplexRequest = { readonly subscribe: string } | { readonly unsubscribe: string };

/** What a client hears; `type` is the topic. */
export type MultiplexReply =
  | { readonly type: string; readonly data: unknown }
  | { readonly type: string; readonly complete: true }
  | { readonly type: string; readonly error: string };

/**
 * Answers `webSocketSubject.multiplex()` of RxJS: `{ subscribe: 'prices', … }` opens the topic, `{ unsubscribe: 'prices' }`
 * lets it go, its items come as `{ type: 'prices', data }`, its end as `{ type, complete: true }` or `{ type, error }`.
 *
 * A topic has one subscription for each client: a second `subscribe` while it runs changes nothing. All are let go when the
 * client has gone. An unknown topic and a message of another shape are answered with an error.
 *
 * @example
 * ```ts
 * websocket(multiplex({ prices: () => prices$ }), { codec: json })
 * // the client:
 * webSocket('ws://…').multiplex(() => ({ subscribe: 'prices' }), () => ({ unsubscribe: 'prices' }), (m) => m.type === 'prices')
 * ```
 */
export const multiplex = (topics: MultiplexTopics): OperatorFunction<unknown, MultiplexReply> => {
  return (requests$) =>
    new Observable<MultiplexReply>((subscriber) => {
      const running = new Map<string, TopicSubscriber>();
      const open = (topic: string, params: Readonly<Record<string, unknown>>): void => {
        if (running.has(topic)) return;
        if (!Object.hasOwn(topics, topic)) return subscriber.next({ type: topic, error: 'unknown topic' });
        const listening = new TopicSubscriber(subscriber, topic, () => running.delete(topic));
        running.set(topic, listening); // before it is subscribed: a topic that never leaves its `subscribe` can be let go, too
        subscriber.add(listening);
        sourceOf(topics, topic, params).subscribe(listening);
      };
      subscriber.add(
        requests$.subscribe({
          next: (message) => {
            if (!isRecord(message)) return subscriber.next({ type: '', error: 'not a request' });
            if (typeof message['subscribe'] === 'string') return open(message['subscribe'], message);
            if (typeof message['unsubscribe'] !== 'string') return subscriber.next({ type: '', error: 'not a request' });
            running.get(message['unsubscribe'])?.letGo();
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => subscriber.complete(), // the client listens no longer: its topics need not end first
        }),
      );
    });
};

/** One topic of one client. What a finalizer of the application throws is an error of the whole. */
class TopicSubscriber extends Subscriber<unknown> {
  private readonly replies: Subscriber<MultiplexReply>;
  private readonly topic: string;
  private readonly forget: () => void;

  constructor(replies: Subscriber<MultiplexReply>, topic: string, forget: () => void) {
    super();
    this.replies = replies;
    this.topic = topic;
    this.forget = forget;
  }

  letGo(): void {
    this.forget();
    try {
      this.unsubscribe();
    } catch (error) {
      this.replies.error(error);
    }
  }

  protected override _next(data: unknown): void {
    this.replies.next({ type: this.topic, data });
  }

  protected override _error(): void {
    this.letGo();
    this.replies.next({ type: this.topic, error: 'topic failed' });
  }

  protected override _complete(): void {
    this.letGo();
    this.replies.next({ type: this.topic, complete: true });
  }
}

/** A source that cannot be made is one that fails. */
const sourceOf = (topics: MultiplexTopics, topic: string, params: Readonly<Record<string, unknown>>): Observable<unknown> =>
  new Observable((subscriber) => topics[topic](params).subscribe(subscriber));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
