import { expect } from 'chai';
import fc from 'fast-check';
import { conflate, disconnect, dropNewest, dropOldest, latest, type Drop, type OverflowPolicy, suspend } from 'rx-http-kit';
import { OutboundQueue, type QueueLimits, type QueueSink } from '#src/rx/queues/outbound-queue.js';

/** A message that knows its number: `seq` is its place among all that were offered. */
interface Item {
  readonly seq: number;
  readonly key: number;
  readonly octets: number;
}

/** A client that takes so many messages. */
class Sink implements QueueSink<Item> {
  readonly sent: Item[] = [];
  readonly overflows: string[] = [];
  credit = 0;
  changes = 0;

  transmit(item: Item): boolean {
    this.sent.push(item);
    this.credit--;
    return this.credit > 0;
  }

  octetsOf({ octets }: Item): number {
    return octets;
  }

  onQueueChange(): void {
    this.changes++;
  }

  onOverflow(limit: string, dropped: number): void {
    this.overflows.push(`${dropped} past ${limit}`);
  }

  report(error: unknown): void {
    this.overflows.push(String(error));
  }
}

type Limits = QueueLimits<Item> & { readonly maxKeys: number };

/** The same in the plainest words: slow, and easy to believe. */
class Model {
  readonly sent: Item[] = [];
  waiting: Item[] = [];
  dropped = 0;
  offered = 0;
  credit = 0;
  isClosed = false;
  private readonly limits: Limits;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  offer(item: Item): boolean {
    if (this.isClosed) return false;
    this.offered++;
    if (this.credit > 0 && this.waiting.length === 0) {
      this.sent.push(item);
      this.credit--;
      return true;
    }
    return this.hold(item);
  }

  private hold(item: Item): boolean {
    const { policy } = this.limits.overflow;
    if (policy === 'latest') this.replace([item]);
    else if (policy === 'conflate') this.conflate(item);
    else if (policy === 'drop-oldest') {
      while (!this.fits([...this.waiting, item])) this.replace(this.waiting.slice(1));
      this.waiting.push(item);
    } else if (this.fits([...this.waiting, item])) this.waiting.push(item);
    else {
      this.dropped++;
      if (policy !== 'drop-newest') this.close();
      return false;
    }
    return true;
  }

  private conflate(item: Item): void {
    const { queueSize, maxBufferedBytes, maxKeys } = this.limits;
    const place = this.waiting.findIndex(({ key }) => key === item.key);
    if (place < 0) this.waiting.push(item);
    else {
      this.waiting[place] = item;
      this.dropped++;
    }
    const gives = (): number => this.waiting.findIndex((other) => other !== item);
    while (this.waiting.length > Math.min(maxKeys, queueSize)) this.replace(this.waiting.filter((_, index) => index !== gives()));
    while (this.octets > maxBufferedBytes && this.waiting.length > 1) this.replace(this.waiting.filter((_, index) => index !== gives()));
  }

  /** What is not kept is dropped; a new item may be among those that are. */
  private replace(kept: Item[]): void {
    this.dropped += this.waiting.filter((item) => !kept.includes(item)).length;
    this.waiting = kept;
  }

  private fits(items: readonly Item[]): boolean {
    const { queueSize, maxBufferedBytes } = this.limits;
    return items.length === 1 || (items.length <= queueSize && octetsOf(items) <= maxBufferedBytes);
  }

  get octets(): number {
    return octetsOf(this.waiting);
  }

  grant(credit: number): void {
    this.credit = credit;
    while (this.credit > 0 && this.waiting.length > 0) {
      this.sent.push(this.waiting[0]);
      this.waiting = this.waiting.slice(1);
      this.credit--;
    }
  }

  close(): void {
    this.isClosed = true;
    this.dropped += this.waiting.length;
    this.waiting = [];
  }
}

const octetsOf = (items: readonly Item[]): number => items.reduce((sum, { octets }) => sum + octets, 0);

type Step =
  | { readonly do: 'offer'; readonly key: number; readonly octets: number }
  | { readonly do: 'grant'; readonly credit: number }
  | { readonly do: 'revoke' }
  | { readonly do: 'close' };

const offers = fc.record({
  do: fc.constant('offer' as const),
  key: fc.integer({ min: 0, max: 4 }),
  octets: fc.integer({ min: 0, max: 40 }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: offers, weight: 20 },
    { arbitrary: fc.record({ do: fc.constant('grant' as const), credit: fc.integer({ min: 1, max: 5 }) }), weight: 5 },
    { arbitrary: fc.constant({ do: 'revoke' as const }), weight: 2 },
    { arbitrary: fc.constant({ do: 'close' as const }), weight: 1 },
  ),
  { maxLength: 80 },
);
const sizes = fc.record({
  queueSize: fc.integer({ min: 1, max: 6 }),
  maxBufferedBytes: fc.integer({ min: 1, max: 80 }),
  maxKeys: fc.integer({ min: 1, max: 6 }),
});

/** Queue and model side by side. */
class Bench {
  readonly sink = new Sink();
  readonly queue: OutboundQueue<Item, Item>;
  readonly model: Model;
  readonly drops: Drop[] = [];
  readonly buffered: number[] = [];
  readonly writable: boolean[] = [];
  completions = 0;
  private seq = 0;

  constructor(limits: Limits) {
    this.queue = new OutboundQueue<Item, Item>(this.sink, limits);
    this.model = new Model(limits);
    const complete = (): void => void this.completions++;
    this.queue.gauge.dropped$.subscribe({ next: (drop) => this.drops.push(drop), complete });
    this.queue.gauge.buffered$.subscribe({ next: (count) => this.buffered.push(count), complete });
    this.queue.gauge.writable$.subscribe({ next: (is) => this.writable.push(is), complete });
  }

  take(step: Step): void {
    switch (step.do) {
      case 'offer': {
        const item = { seq: this.seq++, key: step.key, octets: step.octets };
        expect(this.queue.offer(item, item), `offer ${item.seq}`).to.equal(this.model.offer(item));
        break;
      }
      case 'grant':
        if (this.model.isClosed) return;
        this.sink.credit = step.credit;
        this.model.grant(step.credit);
        this.queue.grant();
        break;
      case 'revoke':
        this.model.credit = 0;
        this.sink.credit = 0;
        this.queue.revoke();
        break;
      case 'close':
        if (!this.model.isClosed) this.model.close();
        this.queue.close('closed');
        break;
    }
  }

  /** What must hold behind every step. */
  assertLaws(): void {
    const { queue, model, sink, drops } = this;
    const { counts } = queue;
    expect(sink.sent, 'what was sent').to.deep.equal(model.sent);
    expect(counts).to.deep.equal({
      offered: model.offered,
      sent: model.sent.length,
      dropped: model.dropped,
      waiting: model.waiting.length,
      waitingBytes: model.octets,
    });
    expect(counts.sent + counts.dropped + counts.waiting, 'offered = sent + dropped + waiting').to.equal(model.offered);
    expect(
      drops.reduce((sum, { count }) => sum + count, 0),
      'dropped$',
    ).to.equal(model.dropped);
    expect(drops.at(-1)?.total ?? 0).to.equal(model.dropped);
    expect(this.buffered.at(-1), 'buffered$').to.equal(model.waiting.length);
    expect(this.writable.at(-1), 'writable$').to.equal(queue.isWritable);
    expect(this.completions, 'streams that have completed').to.equal(queue.isClosed ? 3 : 0);
    expect(queue.isClosed).to.equal(model.isClosed);
  }
}

const keyOf = ({ key }: Item): number => key;
const POLICIES: Readonly<Record<string, (maxKeys: number) => OverflowPolicy<Item>>> = {
  suspend,
  dropNewest,
  dropOldest,
  latest,
  conflate: (maxKeys) => conflate(keyOf, { maxKeys }),
  disconnect: () => disconnect(),
};

describe('OutboundQueue', () => {
  for (const [name, make] of Object.entries(POLICIES)) {
    describe(`with ${name}`, () => {
      it('does what a plain list would, and counts every message, whatever comes in whatever order', () => {
        fc.assert(
          fc.property(sizes, steps, (given, taken) => {
            const bench = new Bench({ ...given, overflow: make(given.maxKeys) });
            for (const step of taken) {
              bench.take(step);
              bench.assertLaws();
            }
          }),
          { numRuns: 300 },
        );
      });

      it('keeps to its limits, and to the order in which it was offered', () => {
        fc.assert(
          fc.property(sizes, steps, (given, taken) => {
            const bench = new Bench({ ...given, overflow: make(given.maxKeys) });
            for (const step of taken) {
              bench.take(step);
              const { waiting, waitingBytes } = bench.queue.counts;
              expect(waiting).to.be.at.most(name === 'latest' ? 1 : given.queueSize);
              if (waiting > 1) expect(waitingBytes).to.be.at.most(given.maxBufferedBytes);
            }
            const places = bench.sink.sent.map(({ seq }) => seq);
            if (name !== 'conflate') expect(places).to.deep.equal([...places].sort((a, b) => a - b));
            for (const key of [0, 1, 2, 3, 4]) {
              const ofKey = bench.sink.sent.filter((item) => item.key === key).map(({ seq }) => seq);
              expect(ofKey, 'of one key, never an older one behind a newer').to.deep.equal([...ofKey].sort((a, b) => a - b));
            }
          }),
          { numRuns: 300 },
        );
      });

      it('sends through when there is credit and nothing waits', () => {
        const bench = new Bench({ queueSize: 1, maxBufferedBytes: 1, maxKeys: 1, overflow: make(1) });
        bench.take({ do: 'grant', credit: 1_000 });
        for (let i = 0; i < 500; i++) bench.take({ do: 'offer', key: 0, octets: 40 });
        bench.assertLaws();
        expect(bench.sink.sent).to.have.lengthOf(500);
        expect(bench.buffered).to.deep.equal([0]);
      });

      it('lets one message wait that is larger than maxBufferedBytes, alone', () => {
        const bench = new Bench({ queueSize: 5, maxBufferedBytes: 10, maxKeys: 5, overflow: make(5) });
        bench.take({ do: 'offer', key: 0, octets: 40 });
        expect(bench.queue.counts).to.include({ waiting: 1, waitingBytes: 40 });
        bench.take({ do: 'grant', credit: 5 });
        expect(bench.sink.sent).to.have.lengthOf(1);
      });
    });
  }

  it('with conflate keeps the newest of each key, in the place of the first that waited', () => {
    const bench = new Bench({ queueSize: 10, maxBufferedBytes: 1_000, maxKeys: 10, overflow: conflate(keyOf) });
    for (const key of [1, 2, 1, 3, 2, 1]) bench.take({ do: 'offer', key, octets: 1 });
    bench.take({ do: 'grant', credit: 10 });
    expect(bench.sink.sent.map(({ seq, key }) => `${key}:${seq}`)).to.deep.equal(['1:5', '2:4', '3:3']);
    expect(bench.drops.map(({ reason, total }) => `${reason} ${total}`)).to.deep.equal(['conflate 1', 'conflate 2', 'conflate 3']);
  });

  it('names the limit that gave way: max-keys, max-bytes', () => {
    const bench = new Bench({ queueSize: 10, maxBufferedBytes: 10, maxKeys: 2, overflow: conflate(keyOf, { maxKeys: 2 }) });
    for (const key of [1, 2, 3]) bench.take({ do: 'offer', key, octets: 1 });
    bench.take({ do: 'offer', key: 3, octets: 10 });
    expect(bench.drops).to.deep.equal([
      { reason: 'max-keys', count: 1, total: 1 },
      { reason: 'conflate', count: 1, total: 2 },
      { reason: 'max-bytes', count: 1, total: 3 },
    ]);
    bench.take({ do: 'close' });
    expect(bench.drops.at(-1)).to.deep.equal({ reason: 'closed', count: 1, total: 4 });
  });

  it('is closed by what does not fit where nothing may be dropped, and says how much was', () => {
    for (const overflow of [disconnect(), suspend()]) {
      const bench = new Bench({ queueSize: 2, maxBufferedBytes: 100, maxKeys: 1, overflow });
      for (let i = 0; i < 4; i++) bench.take({ do: 'offer', key: 0, octets: 1 });
      bench.assertLaws();
      expect(bench.sink.overflows).to.deep.equal(['3 past 2 messages (queueSize)']);
      expect(bench.drops).to.deep.equal([{ reason: overflow.policy, count: 3, total: 3 }]);
    }
  });

  it('changes nothing when keyOf throws', () => {
    const overflow = conflate<Item>(() => {
      throw new Error('no key');
    });
    const bench = new Bench({ queueSize: 2, maxBufferedBytes: 100, maxKeys: 1, overflow });
    const item = { seq: 0, key: 0, octets: 1 };
    expect(() => bench.queue.offer(item, item)).to.throw('no key');
    bench.assertLaws();
  });

  it('tells of a step when all its counts agree, and may be used by who is told', () => {
    const bench = new Bench({ queueSize: 1, maxBufferedBytes: 100, maxKeys: 1, overflow: dropOldest() });
    const seen: string[] = [];
    bench.queue.gauge.dropped$.subscribe(({ total }) => {
      const { offered, sent, dropped, waiting } = bench.queue.counts;
      seen.push(`${offered} = ${sent} + ${dropped} + ${waiting}, total ${total}`);
      if (total < 3) bench.queue.offer({ seq: 10, key: 0, octets: 1 }, { seq: 10, key: 0, octets: 1 });
    });
    for (const seq of [0, 1]) bench.queue.offer({ seq, key: 0, octets: 1 }, { seq, key: 0, octets: 1 });
    expect(seen).to.deep.equal(['2 = 0 + 1 + 1, total 1', '3 = 0 + 2 + 1, total 2', '4 = 0 + 3 + 1, total 3']);
  });

  it('shows its present state to all who watch, also where one of them causes the next step', () => {
    const bench = new Bench({ queueSize: 10, maxBufferedBytes: 100, maxKeys: 1, overflow: dropOldest() });
    const item = { seq: 0, key: 0, octets: 1 };
    const { gauge } = bench.queue;
    gauge.buffered$.subscribe((waiting) => {
      if (waiting === 1) bench.queue.offer(item, item);
    });
    const seen: number[] = [];
    gauge.buffered$.subscribe((waiting) => seen.push(waiting));
    bench.queue.offer(item, item);
    expect(seen).to.deep.equal([0, 1, 2]);
  });

  it('tells of all drops, in order, also where the queue is closed by who hears of the first', () => {
    const bench = new Bench({ queueSize: 2, maxBufferedBytes: 10, maxKeys: 10, overflow: conflate(keyOf) });
    const told: string[] = [];
    bench.queue.gauge.dropped$.subscribe({
      next: ({ reason, total }) => {
        told.push(`${reason} ${total}`);
        bench.queue.close('closed');
      },
      complete: () => told.push('|'),
    });
    for (const [key, octets] of [
      [1, 1],
      [2, 8],
      [3, 8],
    ]) {
      bench.queue.offer({ seq: key, key, octets }, { seq: key, key, octets });
    }
    expect(told).to.deep.equal(['max-keys 1', 'max-bytes 2', 'closed 3', '|']);
  });

  it('sends what is offered while a message is being sent behind it, and counts it once', () => {
    const sink = new Sink();
    const queue = new OutboundQueue<Item, Item>(sink, { queueSize: 10, maxBufferedBytes: 100, overflow: dropOldest() });
    const finished: number[] = [];
    const transmit = sink.transmit.bind(sink);
    sink.transmit = ({ seq, ...rest }: Item): boolean => {
      if (seq < 3) expect(queue.offer({ seq: seq + 1, ...rest }, { seq: seq + 1, ...rest })).to.equal(true);
      finished.push(seq);
      return transmit({ seq, ...rest });
    };
    sink.credit = 3;
    queue.grant();
    const first = { seq: 0, key: 0, octets: 1 };
    expect(queue.offer(first, first)).to.equal(true);
    expect(finished).to.deep.equal([0, 1, 2]);
    expect(queue.counts).to.deep.equal({ offered: 4, sent: 3, dropped: 0, waiting: 1, waitingBytes: 1 });
    sink.credit = 1;
    queue.grant();
    expect(finished).to.deep.equal([0, 1, 2, 3]);
  });

  it('keeps nothing that keyOf has closed it for', () => {
    const queues: OutboundQueue<Item, Item>[] = [];
    const overflow = conflate<Item>(() => queues[0].close('closed'));
    const queue = new OutboundQueue<Item, Item>(new Sink(), { queueSize: 2, maxBufferedBytes: 100, overflow });
    queues.push(queue);
    const item = { seq: 0, key: 0, octets: 1 };
    expect(queue.offer(item, item)).to.equal(false);
    expect(queue.counts).to.deep.equal({ offered: 0, sent: 0, dropped: 0, waiting: 0, waitingBytes: 0 });
  });

  it('costs the same a message however many wait', () => {
    const millisecondsFor = (waiting: number): number => {
      const bench = new OutboundQueue<Item, Item>(new Sink(), {
        queueSize: waiting,
        maxBufferedBytes: Infinity,
        overflow: conflate(keyOf),
      });
      for (let key = 0; key < waiting; key++) bench.offer({ seq: 0, key, octets: 1 }, { seq: 0, key, octets: 1 });
      const begun = process.hrtime.bigint();
      for (let i = 0; i < 20_000; i++) bench.offer({ seq: i, key: waiting + i, octets: 1 }, { seq: i, key: waiting + i, octets: 1 });
      return Number(process.hrtime.bigint() - begun) / 1e6;
    };
    millisecondsFor(10);
    expect(millisecondsFor(100_000), 'twenty thousand messages, each of which drops another').to.be.at.most(
      100 * Math.max(5, millisecondsFor(10)),
    );
  });
});
