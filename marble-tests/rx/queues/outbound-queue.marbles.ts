import { map, type Observable, Subject } from 'rxjs';
import { conflate, dropNewest, dropOldest, type OverflowPolicy } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import { OutboundQueue } from '#src/rx/queues/outbound-queue.js';

interface Script {
  readonly overflow: OverflowPolicy<string>;
  readonly maxBufferedBytes: number;
  readonly offers: string;
  readonly values: Readonly<Record<string, string>>;
  /** Each marble lets one message leave. */
  readonly grants: string;
}

interface Played {
  readonly left$: Observable<string>;
  readonly drops$: Observable<string>;
}

/** A queue for any number of messages whose client takes one at a time. */
const play = ({ hot }: MarbleHelpers, { overflow, maxBufferedBytes, offers, values, grants }: Script): Played => {
  const left$ = new Subject<string>();
  const sink = {
    transmit: (message: string) => {
      left$.next(message);
      return false;
    },
    octetsOf: (message: string) => message.length,
    onQueueChange: () => {},
    onOverflow: () => {},
    report: () => {},
  };
  const queue = new OutboundQueue<string, string>(sink, { overflow, maxBufferedBytes, queueSize: Infinity });
  const drops$ = queue.gauge.dropped$.pipe(map(({ reason, count, total }) => `${reason} ${count}, ${total}`));
  hot(offers, values).subscribe((message) => queue.offer(message, message));
  hot(grants).subscribe(() => queue.grant());
  return { left$, drops$ };
};

const keyOf = (message: string): string => message[0];

describe('OutboundQueue', () => {
  it('drops as many of the oldest as a large message needs room', () => {
    marbles((helpers) => {
      const values = { a: 'aaa', b: 'bbb', c: 'ccc', d: 'ddddddd' };
      const offers = '-abcd';
      const grants = '------gg';
      const left = '  ------d';
      const drops = ' ----x';
      const played = play(helpers, { overflow: dropOldest(), maxBufferedBytes: 9, offers, values, grants });
      helpers.expectObservable(played.left$).toBe(left, values);
      helpers.expectObservable(played.drops$).toBe(drops, { x: 'drop-oldest 3, 3' });
    });
  });

  it('lets a message that is larger than maxBufferedBytes wait alone', () => {
    marbles((helpers) => {
      const values = { a: 'aaaaaa', b: 'b' };
      const offers = '-ab---b';
      const grants = '----g---g';
      const left = '  ----a---b';
      const drops = ' --x';
      const played = play(helpers, { overflow: dropNewest(), maxBufferedBytes: 4, offers, values, grants });
      helpers.expectObservable(played.left$).toBe(left, values);
      helpers.expectObservable(played.drops$).toBe(drops, { x: 'drop-newest 1, 1' });
    });
  });

  it('counts the octets of what waits, and not of what has left', () => {
    marbles((helpers) => {
      const values = { a: 'aaa', b: 'bbb', c: 'cccccc' };
      const offers = '-ab-c';
      const grants = '---g--gg';
      const left = '  ---a--bc';
      const drops = ' -';
      const played = play(helpers, { overflow: dropNewest(), maxBufferedBytes: 9, offers, values, grants });
      helpers.expectObservable(played.left$).toBe(left, values);
      helpers.expectObservable(played.drops$).toBe(drops);
    });
  });

  describe('conflate', () => {
    it('spares the message that has just come, in whoever’s place it stands', () => {
      marbles((helpers) => {
        const values = { a: 'aaa', b: 'bbb', c: 'aaaaaaaa' };
        const offers = '-abc';
        const grants = '-----gg';
        const left = '  -----c';
        const drops = ' ---(xy)';
        const played = play(helpers, { overflow: conflate(keyOf), maxBufferedBytes: 9, offers, values, grants });
        helpers.expectObservable(played.left$).toBe(left, values);
        helpers.expectObservable(played.drops$).toBe(drops, { x: 'conflate 1, 1', y: 'max-bytes 1, 2' });
      });
    });

    it('drops the oldest keys where octets are too many', () => {
      marbles((helpers) => {
        const values = { a: 'aaa', b: 'bbb', c: 'ccccc' };
        const offers = '-abc';
        const grants = '-----gg';
        const left = '  -----bc';
        const drops = ' ---x';
        const played = play(helpers, { overflow: conflate(keyOf), maxBufferedBytes: 9, offers, values, grants });
        helpers.expectObservable(played.left$).toBe(left, values);
        helpers.expectObservable(played.drops$).toBe(drops, { x: 'max-bytes 1, 1' });
      });
    });

    it('counts the octets of what waits, and not of what gave way', () => {
      marbles((helpers) => {
        const values = { a: 'aaa', b: 'bbb' };
        const offers = '-aaaab';
        const grants = '-------gg';
        const left = '  -------ab';
        const drops = ' --xyz';
        const played = play(helpers, { overflow: conflate(keyOf), maxBufferedBytes: 9, offers, values, grants });
        helpers.expectObservable(played.left$).toBe(left, values);
        helpers.expectObservable(played.drops$).toBe(drops, { x: 'conflate 1, 1', y: 'conflate 1, 2', z: 'conflate 1, 3' });
      });
    });

    it('puts a message whose key has left behind all others', () => {
      marbles((helpers) => {
        const values = { a: 'a1', b: 'b1', c: 'a2' };
        const offers = '-ab-c';
        const grants = '---g--gg';
        const left = '  ---a--bc';
        const drops = ' -';
        const played = play(helpers, { overflow: conflate(keyOf), maxBufferedBytes: 9, offers, values, grants });
        helpers.expectObservable(played.left$).toBe(left, values);
        helpers.expectObservable(played.drops$).toBe(drops);
      });
    });
  });
});
