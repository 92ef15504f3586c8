/** Faults in what pushes: topics, feeds, event streams, detached producers and the drain. */
import type { Fault } from './faults.js';

export const FEED_FAULTS: readonly Fault[] = [
  {
    file: 'rx/replay-log.ts',
    line: 'if (item.offset > following.from && !following.isOver) tellItem(following.follower, item);',
    becomes: 'if (!following.isOver) tellItem(following.follower, item);',
    breaks: 'a feed doubles what one who comes in the middle has had in its replay',
  },
  {
    file: 'rx/replay-log.ts',
    line: 'const recovered = from !== null && from.epoch === epoch && this.history.covers(from.offset);',
    becomes: 'const recovered = from !== null && this.history.covers(from.offset);',
    breaks: 'a topic takes the cursor of another life for its own',
  },
  {
    file: 'rx/history.ts',
    line: 'return offset >= this.first - 1 && offset <= this.last;',
    becomes: 'return offset <= this.last;',
    breaks: 'a topic leaves a silent hole where its history has ended',
  },
  {
    file: 'rx/history.ts',
    line: 'return offset >= this.first - 1 && offset <= this.last;',
    becomes: 'return offset >= this.first - 1;',
    breaks: 'a topic takes a cursor from the future',
  },
  {
    file: 'feeds/heartbeat.ts',
    line: 'if (heartbeat.msLeft() <= 0) {',
    becomes: 'if (heartbeat.msLeft() <= 1e9) {',
    breaks: 'heartbeats come in the middle of what is said',
  },
  {
    file: 'feeds/event-stream.ts',
    line: '() => outlet.write(HEARTBEAT_COMMENT)',
    becomes: '() => outlet.send(HEARTBEAT_COMMENT as E)',
    breaks: 'heartbeats wait in the queue of a slow client',
  },
  {
    file: 'feeds/event-stream.ts',
    line: 'this.subscription?.unsubscribe();',
    becomes: '',
    breaks: 'an event stream that was drained keeps its source until the client has taken all',
  },
  {
    file: 'feeds/stream-client.ts',
    line: 'else if (this.visit.cursor === undefined) outlet.write(wording.position(cursorBefore(replay)));',
    becomes: '',
    breaks: 'a client of a feed that was told nothing yet comes back without a cursor',
  },
  {
    file: 'feeds/stream-client.ts',
    line: '    this.untoldCursor = item.id;\n    return wording.itemWithoutId(item);',
    becomes: '    return wording.item(item);',
    breaks: 'a feed that conflates says ids in a wrong order',
  },
  {
    file: 'feeds/stream-client.ts',
    line: 'if (outlet.write(cursor === null ? wording.heartbeat : wording.position(cursor))) this.untoldCursor = null;',
    becomes: 'outlet.write(wording.heartbeat);',
    breaks: 'a feed that conflates never says where the client stands',
  },
  {
    file: 'feeds/stream-client.ts',
    line: 'if (failure !== null) this.endBefore(failure.error);',
    becomes: 'if (failure !== null) this.fail(outlet, failure.error);',
    breaks: 'the news of a source that has failed are cut off with it',
  },
  {
    file: 'feeds/socket-client.ts',
    line: '    this.unwatch();\n    const { unfollow } = this;',
    becomes: '    const { unfollow } = this;',
    breaks: 'a drain waits for WebSockets that have gone',
  },
  {
    file: 'feeds/poll-client.ts',
    line: 'this.held.add(asapScheduler.schedule(() => this.answer()));',
    becomes: 'this.answer();',
    breaks: 'a poll is answered with the first item of many that come at once',
  },
  {
    file: 'feeds/poll-client.ts',
    line: 'this.hasMore = replay.items.length > this.items.length;',
    becomes: '',
    breaks: 'a poll is told that the source has ended while there is more',
  },
  {
    file: 'feeds/encoded-item.ts',
    line: 'this.known.set(published, encoded);',
    becomes: '',
    breaks: 'an item of a feed is encoded for each client that comes late',
  },
  {
    file: 'feeds/lingering-source.ts',
    line: 'if (!this.log.hasEnded) this.cancelTimer();',
    becomes: '',
    breaks: 'a detached producer is let go though its client came back',
  },
  {
    file: 'feeds/lingering-source.ts',
    line: 'if (this.clients === 0 && this.timer === null) this.linger();',
    becomes: '',
    breaks: 'a detached producer is never let go',
  },
  {
    file: 'feeds/lingering-source.ts',
    line: 'if (hasFailed && !this.keepsFailure) this.dispose();\n    else this.linger();',
    becomes: 'this.linger();',
    breaks: 'a feed of an Observable that has failed does not begin anew',
  },
  {
    file: 'feeds/detached.ts',
    line: 'producer.awaitClient();',
    becomes: '',
    breaks: 'a detached producer that nobody followed is kept for good',
  },
  {
    file: 'feeds/detached.ts',
    line: 'cursor ?? formatCursor(this.log.epoch, 0)',
    becomes: 'cursor',
    breaks: 'one who comes to a detached producer late is not told that its start is lost',
  },
  {
    file: 'feeds/drainer.ts',
    line: 'Math.min(this.spreadMs, withinMs / 2)',
    becomes: 'this.spreadMs',
    breaks: 'a drain takes longer than the server has',
  },
  {
    file: 'feeds/drainer.ts',
    line: 'Math.floor(this.random() * this.jitterMs)',
    becomes: '0',
    breaks: 'drained clients come back all at once',
  },
  {
    file: 'transport/connection.ts',
    line: 'const endsByItself = withinMs > 0 && exchange.tellDraining(withinMs);',
    becomes: 'const endsByItself = exchange.tellDraining(withinMs);',
    breaks: 'streams are told of a drain that has no time',
  },
  {
    file: 'transport/connection.ts',
    line: "if (!endsByItself) this.session?.close(GOING_AWAY, '');",
    becomes: "this.session?.close(GOING_AWAY, '');",
    breaks: 'a WebSocket whose owner drains it is closed with 1001',
  },
];
