/** A client of a feed that is told over a WebSocket: a text frame `{"id":…,"data":…}` for each item. What it says is not heard. */
import type { Subscriber } from 'rxjs';
import type { EncodedMessage } from '../protocol/encoded-message.js';
import { openWebSocket } from '../rx/channels/as-channel.js';
import type { Channel } from '../rx/channels/channel.js';
import type { CheckedOptions } from '../rx/channels/channel-options.js';
import type { Message } from '../rx/channels/codec.js';
import type { QueueLimits } from '../rx/queues/outbound-queue.js';
import type { Follower, Published, Replay, Unfollow } from '../rx/replay/replayable.js';
import { portOf } from '../rx/request.js';
import type { Reply } from '../rx/response.js';
import { Backlog, type BacklogOwner } from './backlog.js';
import type { DrainedClient } from './drainer.js';
import type { EncodedItem } from './encoded-item.js';
import { cursorBefore, type FeedHost, type Visit } from './feed-client.js';

/** What is sent: frames of items, and text of the feed's own. */
export type FeedMessage = EncodedMessage | string;

const NORMAL = 1000;
const INTERNAL_ERROR = 1011;

export const answerWithSocket = <T>(
  host: FeedHost<T>,
  options: CheckedOptions<Message, FeedMessage>,
  visit: Visit<T>,
  replies: Subscriber<Reply>,
): void => {
  let client: SocketClient<T> | undefined;
  const callbacks = {
    onOpen: (channel: Channel<Message, FeedMessage>): void => {
      client = new SocketClient(host, visit, channel, options);
      client.start();
    },
    onReceive: (): void => {}, // read, so that a close is noticed
    onClose: (): void => client?.leave(),
  };
  openWebSocket(visit.request, replies, callbacks, () => undefined, options, false);
};

class SocketClient<T> implements Follower<T>, DrainedClient, BacklogOwner<T> {
  private readonly host: FeedHost<T>;
  private readonly visit: Visit<T>;
  private readonly limits: QueueLimits<FeedMessage>;
  private readonly channel: Channel<Message, FeedMessage>;
  /** Where conflation may change the order: what is sent now leaves now. */
  private isWritable: boolean;
  /** Of the latest item that was sent without its id, until the client was told. */
  private untoldCursor: string | null;
  /** Of a replay that is more than the client takes at once. */
  private backlog: Backlog<T> | null;
  private hasEnded: boolean;
  private unwatch: () => void;
  private unfollow: Unfollow | null;
  private isGone: boolean;

  constructor(host: FeedHost<T>, visit: Visit<T>, channel: Channel<Message, FeedMessage>, limits: QueueLimits<FeedMessage>) {
    this.limits = limits;
    this.host = host;
    this.visit = visit;
    this.channel = channel;
    this.isWritable = true;
    this.untoldCursor = null;
    this.backlog = null;
    this.hasEnded = false;
    this.unwatch = ignore;
    this.unfollow = null;
    this.isGone = false;
  }

  start(): void {
    const { host, visit, channel } = this;
    host.counter.enter('websocket');
    host.counter.watch(visit.request, 'websocket', channel); // completes with the channel
    if (host.isConflating) channel.writable$.subscribe((isWritable) => this.onWritable(isWritable)); // completes with the channel
    this.unwatch = host.drainer.watch(visit.request, this);
    const unfollow = visit.source.follow(visit.cursor, host.replay, this);
    if (this.isGone) {
      unfollow();
      this.unwatch();
    } else this.unfollow = unfollow;
  }

  onReplay(replay: Replay<T>): void {
    const cursor = cursorBefore(replay);
    if (!replay.recovered) this.channel.next(JSON.stringify({ reset: true, cursor }));
    else if (this.visit.cursor === undefined) this.channel.next(JSON.stringify({ cursor }));
    if (this.limits.overflow.policy === 'disconnect') {
      this.backlog = Backlog.send(this, this.channel, this.limits, replay.items);
      this.backlog?.start();
    } else for (const published of replay.items) this.sendItem(published);
  }

  onPublished(published: Published<T>): void {
    if (this.backlog === null) return this.sendItem(published);
    const item = this.itemOf(published);
    if (item !== null) this.backlog.add(published, Buffer.byteLength(item.envelope));
  }

  onCaughtUp(): void {
    this.backlog = null;
    if (this.hasEnded) this.channel.close(NORMAL);
  }

  private itemOf(published: Published<T>): EncodedItem<T> | null {
    return this.host.items.of(published, (error) => portOf(this.visit.request).report(error));
  }

  sendItem(published: Published<T>): void {
    const item = this.itemOf(published);
    if (item === null) return;
    if (this.isWritable) {
      this.untoldCursor = null;
      this.channel.next(item.frame);
    } else {
      this.untoldCursor = item.id;
      this.channel.next(item.frameWithoutId);
    }
  }

  onEnd(): void {
    this.hasEnded = true;
    if (this.backlog === null) this.channel.close(NORMAL);
  }

  onError(error: unknown): void {
    this.host.reportFailure(this.visit.request, error);
    this.channel.close(INTERNAL_ERROR);
  }

  endForNow(retryMs: number): void {
    this.backlog?.stop(); // who comes back goes on behind what it was sent
    this.backlog = null;
    this.channel.close(this.host.restartCode, `retry ${retryMs}`);
  }

  leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.backlog?.stop();
    this.backlog = null;
    this.host.counter.leave('websocket');
    this.unwatch();
    const { unfollow } = this;
    this.unfollow = null;
    unfollow?.();
  }

  /** All that was sent without its id has left. */
  private onWritable(isWritable: boolean): void {
    this.isWritable = isWritable;
    const cursor = this.untoldCursor;
    if (!isWritable || cursor === null) return;
    this.untoldCursor = null;
    this.channel.next(JSON.stringify({ cursor }));
  }
}

const ignore = (): void => {};
