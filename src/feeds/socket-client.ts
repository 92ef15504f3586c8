/** A client of a feed that is told over a WebSocket: a text frame `{"id":…,"data":…}` for each item. What it says is not heard. */
import type { Subscriber } from 'rxjs';
import type { EncodedMessage } from '../protocol/encoded-message.js';
import { openWebSocket } from '../rx/channels/as-channel.js';
import type { Channel } from '../rx/channels/channel.js';
import type { CheckedOptions } from '../rx/channels/channel-options.js';
import type { Message } from '../rx/channels/codec.js';
import type { Follower, Published, Replay, Unfollow } from '../rx/replay/replayable.js';
import { portOf } from '../rx/request.js';
import type { Reply } from '../rx/response.js';
import type { DrainedClient } from './drainer.js';
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
      client = new SocketClient(host, visit, channel);
      client.start();
    },
    onReceive: (): void => {}, // read, so that a close is noticed
    onClose: (): void => client?.leave(),
  };
  openWebSocket(visit.request, replies, callbacks, () => undefined, options, false);
};

class SocketClient<T> implements Follower<T>, DrainedClient {
  private readonly host: FeedHost<T>;
  private readonly visit: Visit<T>;
  private readonly channel: Channel<Message, FeedMessage>;
  /** Where conflation may change the order: what is sent now leaves now. */
  private isWritable: boolean;
  /** Of the latest item that was sent without its id, until the client was told. */
  private untoldCursor: string | null;
  private unwatch: () => void;
  private unfollow: Unfollow | null;
  private isGone: boolean;

  constructor(host: FeedHost<T>, visit: Visit<T>, channel: Channel<Message, FeedMessage>) {
    this.host = host;
    this.visit = visit;
    this.channel = channel;
    this.isWritable = true;
    this.untoldCursor = null;
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
    for (const published of replay.items) this.onPublished(published);
  }

  onPublished(published: Published<T>): void {
    const item = this.host.items.of(published, (error) => portOf(this.visit.request).report(error));
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
    this.channel.close(NORMAL);
  }

  onError(error: unknown): void {
    this.host.reportFailure(this.visit.request, error);
    this.channel.close(INTERNAL_ERROR);
  }

  endForNow(retryMs: number): void {
    this.channel.close(this.host.restartCode, `retry ${retryMs}`);
  }

  leave(): void {
    if (this.isGone) return;
    this.isGone = true;
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
