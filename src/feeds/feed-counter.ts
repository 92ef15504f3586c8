/** How many a feed talks to, and what they were not told. */
import { type Observable, Subject, type Subscription } from 'rxjs';
import type { Drop } from '../rx/queues/queue-gauge.js';
import type { HttpRequest } from '../rx/request.js';
import type { FeedTransport } from './feed-transport.js';

/** Items that a client of a feed will not be told of: its overflow policy has dropped them. */
export interface FeedDrop extends Drop {
  readonly request: HttpRequest;
  readonly transport: FeedTransport;
}

/** Clients that are there now, by transport: WebSockets, streams, polls that wait. */
export type FeedClients = Readonly<Record<FeedTransport, number>>;

export class FeedCounter {
  readonly dropped$: Observable<FeedDrop>;
  readonly clients: Record<FeedTransport, number>;
  /** A policy that drops in silence is counted; of one that closes the client the server's events tell. */
  private readonly countsDrops: boolean;
  private readonly drops: Subject<FeedDrop>;

  constructor(countsDrops: boolean) {
    this.clients = { websocket: 0, sse: 0, ndjson: 0, poll: 0 };
    this.countsDrops = countsDrops;
    this.drops = new Subject();
    this.dropped$ = this.drops.asObservable();
  }

  enter(transport: FeedTransport): void {
    this.clients[transport]++;
  }

  leave(transport: FeedTransport): void {
    this.clients[transport]--;
  }

  watch(request: HttpRequest, transport: FeedTransport, queue: { readonly dropped$: Observable<Drop> }): Subscription | undefined {
    if (!this.countsDrops) return undefined;
    return queue.dropped$.subscribe((drop) => {
      const { reason, count, total } = drop;
      // Not a spread: that would give each of them a hidden class of its own, 240 octets that no scavenge frees.
      if (reason !== 'closed' && this.drops.observed) this.drops.next({ reason, count, total, request, transport });
    });
  }
}
