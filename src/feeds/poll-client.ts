/**
 * A client of a feed that polls: `{"cursor":…,"recovered":…,"items":[{"id":…,"data":…}]}` as soon as there is something to tell,
 * or nothing for so long.
 */
import { asapScheduler, asyncScheduler, type Subscriber, Subscription } from 'rxjs';
import { ERRORS, HttpError } from '../errors.js';
import type { ResponseHeaders } from '../protocol/response-head.js';
import { whenDraining } from '../rx/draining.js';
import type { Follower, Published, Replay, Unfollow } from '../rx/replay/replayable.js';
import { portOf } from '../rx/request.js';
import type { Reply } from '../rx/response.js';
import { cursorBefore, type FeedHost, type Visit } from './feed-client.js';

export const answerWithPoll = <T>(host: FeedHost<T>, headers: ResponseHeaders, visit: Visit<T>, replies: Subscriber<Reply>): void => {
  const client = new PollClient(host, headers, visit, replies);
  replies.add(() => client.leave());
  client.start();
};

class PollClient<T> implements Follower<T> {
  private readonly host: FeedHost<T>;
  private readonly headers: ResponseHeaders;
  private readonly visit: Visit<T>;
  private readonly replies: Subscriber<Reply>;
  private readonly held: Subscription;
  private replay: Replay<T> | null;
  private items: Published<T>[];
  /** Not all fits into this answer: the next poll gets the rest. */
  private hasMore: boolean;
  private isCollecting: boolean;
  private hasEnded: boolean;
  private isOver: boolean;

  constructor(host: FeedHost<T>, headers: ResponseHeaders, visit: Visit<T>, replies: Subscriber<Reply>) {
    this.host = host;
    this.headers = headers;
    this.visit = visit;
    this.replies = replies;
    this.held = new Subscription();
    this.replay = null;
    this.items = [];
    this.hasMore = false;
    this.isCollecting = false;
    this.hasEnded = false;
    this.isOver = false;
    host.counter.enter('poll');
  }

  start(): void {
    const { host, visit } = this;
    this.held.add(asyncScheduler.schedule(() => this.answer(), host.pollTimeoutMs));
    const unfollow: Unfollow = visit.source.follow(visit.cursor, host.replay, this);
    this.held.add(unfollow);
    if (!this.isOver) this.held.add(whenDraining(visit.request, () => this.answer(host.drainer.jitteredRetryMs())));
  }

  /** One who does not know where it stands is told at once: it must not come back without a cursor. */
  onReplay(replay: Replay<T>): void {
    this.replay = replay;
    this.items = replay.items.slice(0, this.host.maxPollItems);
    this.hasMore = replay.items.length > this.items.length;
    if (!replay.recovered || this.visit.cursor === undefined || replay.items.length > 0) this.collect();
  }

  onPublished(published: Published<T>): void {
    if (this.items.length < this.host.maxPollItems) this.items.push(published);
    else this.hasMore = true;
    this.collect();
  }

  onEnd(): void {
    this.hasEnded = true;
    this.collect();
  }

  onError(error: unknown): void {
    if (this.isOver) return;
    this.host.reportFailure(this.visit.request, error);
    if (this.items.length > 0) return this.collect(); // the next poll is told of the failure
    this.isOver = true;
    this.held.unsubscribe();
    this.replies.error(new HttpError(500, ERRORS.RHK_HANDLER_FAILED.sentence)); // reported already, once for all clients
  }

  /** What is published in one turn is one answer. */
  private collect(): void {
    if (this.isCollecting || this.isOver) return;
    this.isCollecting = true;
    this.held.add(asapScheduler.schedule(() => this.answer()));
  }

  private answer(retryMs?: number): void {
    if (this.isOver) return;
    this.isOver = true;
    this.held.unsubscribe();
    this.replies.next({ headers: this.headers, body: this.textOf(retryMs) });
    this.replies.complete();
  }

  private textOf(retryMs: number | undefined): string {
    const { host, visit, replay, items } = this;
    const cursor = items.length > 0 ? items[items.length - 1].id : replay === null ? visit.cursor : cursorBefore(replay);
    const parts = [`"cursor":${JSON.stringify(cursor ?? null)}`, `"recovered":${replay?.recovered ?? true}`];
    const told = items.map((published) => host.items.of(published, (error) => portOf(visit.request).report(error))?.envelope);
    parts.push(`"items":[${told.filter((text) => text !== undefined).join(',')}]`);
    if (this.hasEnded && !this.hasMore) parts.push('"ended":true');
    if (retryMs !== undefined) parts.push(`"retryMs":${retryMs}`);
    return `{${parts.join(',')}}`;
  }

  leave(): void {
    this.isOver = true;
    this.host.counter.leave('poll');
    this.held.unsubscribe();
  }
}
