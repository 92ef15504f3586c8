import { expect } from 'chai';
import fc from 'fast-check';
import { config } from 'rxjs';
import { ReplayLog } from '#src/rx/replay/replay-log.js';
import type { Follower, Published, Replay, Unfollow } from '#src/rx/replay/replayable.js';

const OPTIONS = { history: 100, ttlMs: Infinity };

/** Writes down what it is told: `replay`, offsets, `|` and `#`. */
class Recorder implements Follower<number> {
  readonly told: (number | string)[] = [];
  replay: Replay<number> | undefined;
  onItem: (item: Published<number>) => void = () => {};
  unfollow: Unfollow = () => {};

  onReplay(replay: Replay<number>): void {
    this.replay = replay;
    this.told.push(replay.recovered ? 'recovered' : 'reset', ...replay.items.map(({ value }) => value));
    for (const item of replay.items) this.onItem(item);
  }

  onPublished(item: Published<number>): void {
    this.told.push(item.value);
    this.onItem(item);
  }

  onEnd(): void {
    this.told.push('|');
  }

  onError(error: unknown): void {
    this.told.push(`# ${String(error)}`);
  }

  follow(log: ReplayLog<number>, cursor?: string, latest?: number): this {
    this.unfollow = log.follow(cursor, latest, this);
    return this;
  }
}

describe('ReplayLog', () => {
  it('counts from 1, in an epoch of its own', () => {
    const [log, other] = [new ReplayLog<number>(OPTIONS), new ReplayLog<number>(OPTIONS)];
    expect(log.epoch).to.match(/^[\w-]{12}$/);
    expect(log.epoch).to.not.equal(other.epoch);
    expect([log.publish(7), log.publish(8)]).to.deep.equal([`${log.epoch}:1`, `${log.epoch}:2`]);
  });

  it('tells all that is behind a cursor, or that it cannot', () => {
    const log = new ReplayLog<number>({ history: 3, ttlMs: Infinity }, 'e');
    for (let value = 1; value <= 5; value++) log.publish(value);
    const since = (cursor: string): (number | boolean)[] => {
      const { recovered, items, epoch, offset } = log.since(cursor);
      expect([epoch, offset]).to.deep.equal(['e', 5]);
      return [recovered, ...items.map(({ value }) => value)];
    };
    expect(since('e:5')).to.deep.equal([true]);
    expect(since('e:4')).to.deep.equal([true, 5]);
    expect(since('e:2')).to.deep.equal([true, 3, 4, 5]);
    const lost = { 'too old': 'e:1', 'from the future': 'e:6', 'another epoch': 'f:4', malformed: '4', empty: '', negative: 'e:-1' };
    for (const [why, cursor] of Object.entries(lost)) expect(since(cursor), why).to.deep.equal([false]);
  });

  it('gives one who comes for the first time, or anew, as many of the latest as asked for', () => {
    const log = new ReplayLog<number>({ history: 3, ttlMs: Infinity }, 'e');
    for (let value = 1; value <= 5; value++) log.publish(value);
    expect(new Recorder().follow(log).told).to.deep.equal(['recovered']);
    expect(new Recorder().follow(log, undefined, 2).told).to.deep.equal(['recovered', 4, 5]);
    expect(new Recorder().follow(log, undefined, Infinity).told).to.deep.equal(['recovered', 3, 4, 5]);
    expect(new Recorder().follow(log, 'e:0', 1).told).to.deep.equal(['reset', 5]);
    expect(new Recorder().follow(log, 'e:3', 1).told).to.deep.equal(['recovered', 4, 5]);
  });

  it('goes on live behind the replay', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    log.publish(1);
    log.publish(2);
    const follower = new Recorder().follow(log, 'e:1');
    log.publish(3);
    follower.unfollow();
    follower.unfollow();
    log.publish(4);
    expect(follower.told).to.deep.equal(['recovered', 2, 3]);
    expect(log.followerCount).to.equal(0);
  });

  it('keeps one order for all when a follower publishes', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    const [first, second] = [new Recorder(), new Recorder()];
    first.onItem = ({ value }) => value < 3 && log.publish(value + 1);
    first.follow(log);
    second.follow(log);
    log.publish(1);
    expect(first.told).to.deep.equal(['recovered', 1, 2, 3]);
    expect(second.told).to.deep.equal(['recovered', 1, 2, 3]);
  });

  it('misses and doubles nothing for one who comes while others are being told', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    const [early, late, last] = [new Recorder(), new Recorder(), new Recorder()];
    early.onItem = ({ value }) => {
      if (value !== 1) return;
      log.publish(2); // waits
      late.follow(log, 'e:0');
      log.publish(3);
    };
    early.follow(log);
    last.follow(log);
    log.publish(1);
    for (const { told } of [early, last, late]) expect(told).to.deep.equal(['recovered', 1, 2, 3]);
  });

  it('tells one who publishes while it hears the replay its own items behind it', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    for (const value of [1, 2]) log.publish(value);
    const [follower, other] = [new Recorder(), new Recorder().follow(log)];
    follower.onItem = ({ value }) => value < 3 && log.publish(value + 10);
    follower.follow(log, 'e:0');
    expect(follower.told).to.deep.equal(['recovered', 1, 2, 11, 12]);
    expect(other.told).to.deep.equal(['recovered', 11, 12]);
  });

  it('tells one who has left nothing more, even in the middle', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    const [first, second] = [new Recorder(), new Recorder()];
    first.onItem = () => second.unfollow();
    first.follow(log);
    second.follow(log);
    log.publish(1);
    expect(second.told).to.deep.equal(['recovered']);
  });

  it('ends once, for all, behind what was published; and at once for who comes late', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    const [ending, other] = [new Recorder(), new Recorder()];
    ending.onItem = ({ value }) => {
      if (value !== 1) return;
      log.publish(2);
      log.complete();
      log.publish(3);
      log.error('too late');
    };
    ending.follow(log);
    other.follow(log);
    log.publish(1);
    expect(ending.told).to.deep.equal(['recovered', 1, 2, '|']);
    expect(other.told).to.deep.equal(['recovered', 1, 2, '|']);
    expect(new Recorder().follow(log, 'e:1').told).to.deep.equal(['recovered', 2, '|']);
    expect([log.followerCount, log.hasEnded, log.publish(9)]).to.deep.equal([0, true, 'e:2']);
  });

  it('tells of a failure', () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    const follower = new Recorder().follow(log);
    log.error('why');
    expect(follower.told).to.deep.equal(['recovered', '# why']);
    expect(new Recorder().follow(log).told).to.deep.equal(['recovered', '# why']);
  });

  it('reports what a follower throws as unhandled, and goes on with it and the others', async () => {
    const log = new ReplayLog<number>(OPTIONS, 'e');
    const unhandled: unknown[] = [];
    const [bad, good] = [new Recorder(), new Recorder()];
    bad.onItem = ({ value }) => {
      throw `no ${value}`;
    };
    bad.follow(log);
    good.follow(log);
    config.onUnhandledError = (error) => unhandled.push(error);
    try {
      log.publish(1);
      log.publish(2);
      await new Promise((resolve) => setTimeout(resolve));
    } finally {
      config.onUnhandledError = null;
    }
    expect(good.told).to.deep.equal(['recovered', 1, 2]);
    expect(bad.told).to.deep.equal(['recovered', 1, 2]);
    expect(unhandled).to.deep.equal(['no 1', 'no 2']);
  });

  it('leaves no hole that it does not tell of, whoever comes, goes and comes back', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: 'publish' as const }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('come' as const), who: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('go' as const), who: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('nest' as const), who: fc.nat(3), publishes: fc.boolean() }) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.array(step, { maxLength: 60 }), (history, steps) => {
        const log = new ReplayLog<number>({ history, ttlMs: Infinity }, 'e');
        let published = 0;
        const publish = (): void => void log.publish(++published);
        const clients = [0, 1, 2, 3].map(() => new Client(log));
        for (const current of steps) {
          if (current.kind === 'publish') publish();
          else if (current.kind === 'come') clients[current.who].come();
          else if (current.kind === 'go') clients[current.who].go();
          else clients[current.who].once = () => (current.publishes ? publish() : clients[(current.who + 1) % 4].come());
        }
        for (const client of clients) client.check(published);
      }),
    );
  });
});

/** One that remembers its cursor, and counts a hole that it was not told of. */
class Client {
  once: (() => void) | undefined = undefined;
  private readonly log: ReplayLog<number>;
  private cursor: string | undefined = undefined;
  private next: number | undefined = undefined;
  private unfollow: Unfollow | undefined = undefined;

  constructor(log: ReplayLog<number>) {
    this.log = log;
  }

  come(): void {
    if (this.unfollow !== undefined) return;
    this.unfollow = () => {};
    const take = ({ value, id }: Published<number>): void => {
      expect(value, 'the next item').to.equal(this.next);
      this.next = value + 1;
      this.cursor = id;
      const { once } = this;
      this.once = undefined;
      once?.();
    };
    this.unfollow = this.log.follow(this.cursor, 0, {
      onReplay: ({ recovered, items, offset }) => {
        if (!recovered || this.cursor === undefined) {
          this.next = offset - items.length + 1;
          this.cursor = `e:${offset}`;
        }
        items.forEach(take);
      },
      onPublished: take,
      onEnd: () => {},
      onError: () => {},
    });
  }

  go(): void {
    this.unfollow?.();
    this.unfollow = undefined;
  }

  check(published: number): void {
    if (this.unfollow !== undefined) expect(this.next, 'all that was published').to.equal(published + 1);
  }
}
