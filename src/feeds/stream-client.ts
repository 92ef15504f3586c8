/** A client of a feed that is told over a streamed reply: server-sent events, or lines of JSON. */
import type { Subscriber } from 'rxjs';
import { ERRORS, HttpError } from '../errors.js';
import type { ResponseHeaders } from '../protocol/response-head.js';
import type { QueueLimits } from '../rx/queues/outbound-queue.js';
import { QueueBody, type QueueBodyOptions, type QueueOutlet } from '../rx/bodies/queue-body.js';
import type { Follower, Published, Replay, Unfollow } from '../rx/replay/replayable.js';
import { portOf } from '../rx/request.js';
import type { Reply } from '../rx/response.js';
import { Backlog, type BacklogOwner } from './backlog.js';
import type { DrainedClient } from './drainer.js';
import type { EncodedItem } from './encoded-item.js';
import { cursorBefore, type FeedHost, type Visit } from './feed-client.js';
import type { Heartbeat, Silent } from './heartbeats.js';
import type { Wording } from './wording.js';

export interface StreamForm<T> {
  readonly transport: 'sse' | 'ndjson';
  readonly wording: Wording;
  readonly headers: ResponseHeaders;
  readonly limits: QueueLimits<EncodedItem<T>>;
}

/**
 * Answers with a stream of the feed. Where there is nothing to tell any more, a 204: that ends an EventSource for good.
 */
export const answerWithStream = <T>(host: FeedHost<T>, form: StreamForm<T>, visit: Visit<T>, replies: Subscriber<Reply>): void => {
  const client = new StreamClient(host, form, visit);
  replies.add(() => client.abandon());
  client.follow();
  if (client.hasOnlyFailed) {
    host.reportFailure(visit.request, client.failure?.error);
    return replies.error(new HttpError(500, ERRORS.RHK_HANDLER_FAILED.sentence)); // reported already, once for all clients
  }
  if (client.hasNothingToTell && form.transport === 'sse') replies.next({ status: 204 });
  else replies.next({ headers: form.headers, body: client.body });
  replies.complete();
};

class StreamClient<T> implements Follower<T>, QueueBodyOptions<EncodedItem<T>>, DrainedClient, Silent, BacklogOwner<T> {
  readonly body: QueueBody<EncodedItem<T>>;
  readonly limits: QueueLimits<EncodedItem<T>>;
  private readonly host: FeedHost<T>;
  private readonly form: StreamForm<T>;
  private readonly visit: Visit<T>;
  private outlet: QueueOutlet<EncodedItem<T>> | null;
  /** Before the reply is open: what it begins with. */
  private replay: Replay<T> | null;
  private early: Published<T>[];
  /** Of a replay that is more than the client takes at once. */
  private backlog: Backlog<T> | null;
  private hasEnded: boolean;
  /** That of the source. */
  failure: { readonly error: unknown } | null;
  private heartbeat: Heartbeat | null;
  /** Where conflation may change the order: what is sent now leaves now. */
  private isWritable: boolean;
  /** Of the latest item that was sent without its id, until the client was told. */
  private untoldCursor: string | null;
  private unfollow: Unfollow | null;
  private isGone: boolean;

  constructor(host: FeedHost<T>, form: StreamForm<T>, visit: Visit<T>) {
    this.host = host;
    this.form = form;
    this.visit = visit;
    this.outlet = null;
    this.replay = null;
    this.early = [];
    this.backlog = null;
    this.hasEnded = false;
    this.failure = null;
    this.heartbeat = null;
    this.isWritable = true;
    this.untoldCursor = null;
    this.unfollow = null;
    this.isGone = false;
    this.limits = form.limits;
    this.body = new QueueBody(this);
    host.counter.enter(form.transport);
  }

  follow(): void {
    const unfollow = this.visit.source.follow(this.visit.cursor, this.host.replay, this);
    if (this.isGone || this.hasEnded || this.failure !== null) unfollow();
    else this.unfollow = unfollow;
  }

  get hasNothingToTell(): boolean {
    return this.hasEnded && this.hasNoNews;
  }

  get hasOnlyFailed(): boolean {
    return this.failure !== null && this.hasNoNews;
  }

  private get hasNoNews(): boolean {
    const { replay, early } = this;
    return replay !== null && replay.recovered && replay.items.length === 0 && early.length === 0;
  }

  // ── what the source says ──────────────────────────────────────────────────────────────────────────────────────────

  onReplay(replay: Replay<T>): void {
    this.replay = replay;
    if (this.outlet !== null) this.begin(replay, this.outlet);
  }

  onPublished(published: Published<T>): void {
    const { outlet } = this;
    if (outlet === null) {
      this.early.push(published);
      return;
    }
    this.tell(published, outlet);
    this.heartbeat?.speak(published.at);
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.outlet !== null && this.backlog === null) this.end(this.outlet, this.form.wording.ended(this.host.drainer.retryMs));
  }

  onError(error: unknown): void {
    this.failure = { error };
    if (this.outlet !== null) this.fail(this.outlet, error);
  }

  // ── the reply ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All that has come so far has come in this turn. */
  open(outlet: QueueOutlet<EncodedItem<T>>): () => void {
    const { host, visit, form } = this;
    if (this.isGone) this.comeBack();
    const watching = host.counter.watch(visit.request, form.transport, outlet);
    if (host.isConflating) outlet.writable$.subscribe((isWritable) => (this.isWritable = isWritable)); // completes with the queue
    const unwatch = host.drainer.watch(visit.request, this);
    this.heartbeat = host.heartbeats.join(this);
    if (form.transport === 'sse' && host.greeting !== '') outlet.announce(host.greeting);
    const { replay, early, failure } = this;
    this.outlet = outlet;
    this.early = [];
    if (replay !== null) this.begin(replay, outlet);
    for (const published of early) this.tell(published, outlet);
    if (failure !== null) this.endBefore(failure.error);
    else if (this.hasEnded) this.onEnd();
    this.backlog?.start();
    return () => {
      unwatch();
      watching?.unsubscribe();
      this.leave();
    };
  }

  private begin(replay: Replay<T>, outlet: QueueOutlet<EncodedItem<T>>): void {
    const { wording } = this.form;
    this.replay = null;
    if (!replay.recovered) outlet.announce(wording.reset(cursorBefore(replay)));
    else if (this.visit.cursor === undefined) outlet.announce(wording.position(cursorBefore(replay)));
    if (this.limits.overflow.policy === 'disconnect') this.backlog = Backlog.send(this, outlet, this.limits, replay.items);
    else for (const published of replay.items) this.sendItem(published);
    this.heartbeat?.speak();
  }

  private tell(published: Published<T>, outlet: QueueOutlet<EncodedItem<T>>): void {
    const item = this.itemOf(published);
    if (item === null) return;
    if (this.backlog === null) outlet.send(item);
    else this.backlog.add(published, Buffer.byteLength(this.form.wording.item(item)));
  }

  sendItem(published: Published<T>): void {
    const item = this.itemOf(published);
    if (item !== null) this.outlet?.send(item);
  }

  onCaughtUp(): void {
    this.backlog = null;
    if (this.failure !== null) this.endBefore(this.failure.error);
    else if (this.hasEnded) this.onEnd();
  }

  private itemOf(published: Published<T>): EncodedItem<T> | null {
    return this.host.items.of(published, (error) => portOf(this.visit.request).report(error));
  }

  encode(item: EncodedItem<T>): string {
    const { wording } = this.form;
    if (this.isWritable) {
      this.untoldCursor = null;
      return wording.item(item);
    }
    this.untoldCursor = item.id;
    return wording.itemWithoutId(item);
  }

  /** Nothing waits: all that was sent without its id has left. */
  beat(): void {
    const { wording } = this.form;
    const cursor = this.untoldCursor;
    if (this.outlet?.write(cursor === null ? wording.heartbeat : wording.position(cursor))) this.untoldCursor = null;
  }

  endForNow(retryMs: number): void {
    if (this.outlet !== null) this.end(this.outlet, this.form.wording.restart(retryMs));
  }

  private end(outlet: QueueOutlet<EncodedItem<T>>, lastPiece: string): void {
    this.stop();
    outlet.end(lastPiece);
  }

  private fail(outlet: QueueOutlet<EncodedItem<T>>, error: unknown): void {
    this.stop();
    this.host.reportFailure(this.visit.request, error);
    portOf(this.visit.request).cut(undefined); // told already, once for all clients
    outlet.end();
  }

  /** The source had failed before the head could leave: a cut would take the news with it. Who comes back for more gets a 500. */
  private endBefore(error: unknown): void {
    if (this.backlog !== null) return; // its end follows
    this.host.reportFailure(this.visit.request, error);
    this.endForNow(this.host.drainer.retryMs);
  }

  private stop(): void {
    this.heartbeat?.stop();
    this.backlog?.stop();
    this.backlog = null;
    const { unfollow } = this;
    this.unfollow = null;
    unfollow?.();
  }

  /** The reply is open and on its own, or will be opened later or never: a middleware may hold it up. Until then nobody is there. */
  abandon(): void {
    if (this.outlet === null) this.leave();
  }

  private comeBack(): void {
    this.isGone = false;
    this.replay = null;
    this.early = [];
    this.hasEnded = false;
    this.failure = null;
    this.host.counter.enter(this.form.transport);
    this.follow();
  }

  /** The client has gone, or has been told all. */
  leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.host.counter.leave(this.form.transport);
    this.stop();
  }
}
