import { expect } from 'chai';
import fc from 'fast-check';
import { NEVER, of, Subject, throwError } from 'rxjs';
import {
  dropNewest,
  dropOldest,
  type Drop,
  encodeOnce,
  fromReadable,
  HandlerError,
  latest,
  type OverflowPolicy,
  type PausableSubscription,
  suspend,
} from 'rx-http-kit';
import { sourceFrom } from '#src/rx/bodies/body-source.js';
import type { RunningSource } from '#src/rx/bodies/pulled-source.js';
import { QueueBody, type QueueBodyOptions, type QueueOutlet } from '#src/rx/bodies/queue-body.js';
import { queueLimitsFrom, type QueueOptions } from '#src/rx/queues/queue-options.js';
import { RecordingPort } from '../recording-port.js';

/** A body in work on a recording port, and all that is told of it. */
class Bench {
  readonly port = new RecordingPort();
  readonly source: RunningSource;
  readonly drops: Drop[] = [];
  opened = 0;
  tornDown = 0;
  completions = 0;
  outlet!: QueueOutlet<string>; // set when the source starts, within the constructor

  constructor(options: Partial<QueueBodyOptions<string>> & QueueOptions<string> = {}, credit: number = Infinity) {
    this.port.credit = credit;
    const body = new QueueBody<string>({
      encode: (item) => item,
      open: (outlet) => {
        this.opened++;
        this.outlet = outlet;
        const complete = (): void => void this.completions++;
        outlet.dropped$.subscribe({ next: (drop) => this.drops.push(drop), complete });
        outlet.buffered$.subscribe({ complete });
        outlet.writable$.subscribe({ complete });
        return () => void this.tornDown++;
      },
      ...options,
      limits: queueLimitsFrom(options),
    });
    this.source = sourceFrom(body, this.port, {
      onSourceEnd: () => this.port.log.push('end of source'),
      onSourceError: (error) => this.port.log.push(`error of source ${error instanceof HandlerError ? error.code : String(error)}`),
    });
    this.source.start();
  }

  get log(): readonly string[] {
    return this.port.log;
  }
}

describe('QueueBody', () => {
  it('writes through while there is credit, and keeps the rest for it', () => {
    const bench = new Bench({}, 2);
    for (const item of ['a', 'b', 'c', 'd']) expect(bench.outlet.send(item)).to.equal(true);
    expect(bench.log).to.deep.equal(['write a', 'write b']);
    expect(bench.outlet.counts).to.deep.equal({ offered: 4, sent: 2, dropped: 0, waiting: 2, waitingBytes: 2 });
    bench.port.drain(1);
    expect(bench.log).to.deep.equal(['write a', 'write b', 'write c']);
    bench.port.drain(5);
    expect(bench.log.at(-1)).to.equal('write d');
  });

  it('ends behind what waits, and behind its last piece', () => {
    const bench = new Bench({}, 1);
    bench.outlet.send('a');
    bench.outlet.send('b');
    bench.outlet.end('bye');
    expect(bench.outlet.send('late')).to.equal(false);
    expect(bench.log).to.deep.equal(['write a']);
    bench.port.drain(1);
    expect(bench.log, 'what is last waits for credit too').to.deep.equal(['write a', 'write b']);
    bench.port.drain(1);
    expect(bench.log).to.deep.equal(['write a', 'write b', 'write bye', 'end of source']);
    expect(bench).to.include({ tornDown: 1, completions: 3 });
    expect(bench.outlet.counts).to.include({ offered: 2, sent: 2, dropped: 0, waiting: 0 });
  });

  it('may end while it is opened', () => {
    const bench = new Bench({ open: (outlet) => outlet.end('all') });
    expect(bench.log).to.deep.equal(['write all', 'end of source']);
  });

  it('writes a sign of life only where it would leave at once, and counts it not', () => {
    const bench = new Bench({}, 2);
    expect(bench.outlet.write(':\n')).to.equal(true);
    bench.outlet.send('a');
    expect(bench.outlet.write(':\n'), 'without credit').to.equal(false);
    bench.outlet.send('b');
    bench.port.drain(1);
    expect(bench.log).to.deep.equal(['write :\n', 'write a', 'write b']);
    expect(bench.outlet.counts).to.include({ offered: 2, sent: 2 });
  });

  it('announces before all items, whether it would leave at once or not', () => {
    const bench = new Bench({}, 1);
    for (const piece of ['a', 'b']) bench.outlet.announce(piece);
    expect(bench.log).to.deep.equal(['write a', 'write b']);
    bench.outlet.send('1');
    bench.outlet.announce('too late');
    expect(bench.log).to.deep.equal(['write a', 'write b']);
    expect(bench.outlet.counts).to.include({ offered: 1, sent: 0, waiting: 1 });
  });

  it('fails with what its source fails with, and with what cannot be encoded', () => {
    const failing = new Bench();
    failing.outlet.fail(new Error('torn'));
    expect(failing.log).to.deep.equal(['error of source Error: torn']);
    const unencodable = new Bench({
      encode: () => {
        throw new Error('no word');
      },
    });
    expect(unencodable.outlet.send('a')).to.equal(false);
    expect(unencodable.log).to.deep.equal(['error of source Error: no word']);
    const untyped = new Bench({ encode: () => 5 as never });
    untyped.outlet.send('a');
    expect(untyped.log).to.deep.equal(['error of source RHK_BAD_REPLY']);
    expect([failing, unencodable, untyped].map(({ tornDown }) => tornDown)).to.deep.equal([1, 1, 1]);
    const unopened = new Bench({
      open: () => {
        throw new Error('no source');
      },
    });
    expect(unopened.log).to.deep.equal(['error of source Error: no source']);
  });

  it('sends what was encoded once as it is', () => {
    const bench = new Bench({ encode: encodeOnce });
    bench.outlet.send('a');
    expect(bench.log).to.deep.equal(['write a']);
  });

  it('follows a source to its end, or its failure', () => {
    const following = new Bench({ open: (outlet) => outlet.follow(of('a', 'b')) });
    expect(following.log).to.deep.equal(['write a', 'write b', 'end of source']);
    const failing = new Bench({ open: (outlet) => outlet.follow(throwError(() => new Error('torn'))) });
    expect(failing.log).to.deep.equal(['error of source Error: torn']);
  });

  it('pauses a source that can be, whatever the policy, and has nothing waiting', () => {
    for (const overflow of [suspend(), latest(), dropNewest()]) {
      const pulled: string[] = [];
      const letters = function* (): Generator<string> {
        for (const letter of 'abcd') {
          pulled.push(letter);
          yield letter;
        }
      };
      let counts: QueueOutlet<string>['counts'] | undefined;
      const bench = new Bench(
        {
          overflow,
          open: (outlet) => {
            outlet.buffered$.subscribe((waiting) => expect(waiting).to.equal(0));
            outlet.follow(fromReadable(letters));
            return () => (counts = outlet.counts);
          },
        },
        2,
      );
      expect(pulled).to.deep.equal(['a', 'b']);
      bench.port.drain(1);
      expect(pulled).to.deep.equal(['a', 'b', 'c']);
      bench.port.drain(5);
      expect(bench.log.at(-1)).to.equal('end of source');
      expect(counts).to.include({ offered: 4, sent: 4, dropped: 0 });
    }
  });

  it('keeps what is sent while its pieces are paused by who transforms them', () => {
    const pieces: unknown[] = [];
    let outlet: QueueOutlet<string> | undefined;
    const body = new QueueBody<string>({ limits: queueLimitsFrom({}), encode: (item) => item, open: (opened) => void (outlet = opened) });
    const subscription: PausableSubscription = body.subscribePausable({ next: (piece) => pieces.push(piece) });
    expect(outlet, 'opened when it flows').to.equal(undefined);
    subscription.resume();
    outlet?.send('a');
    subscription.pause();
    outlet?.send('b');
    expect(outlet?.counts).to.include({ sent: 1, waiting: 1 });
    expect(pieces).to.deep.equal(['a']);
    subscription.resume();
    expect(pieces).to.deep.equal(['a', 'b']);
  });

  it('lets a followed source go when its client has left', () => {
    const items$ = new Subject<string>();
    const bench = new Bench({ open: (outlet) => outlet.follow(items$) });
    expect(items$.observed).to.equal(true);
    bench.source.stop();
    expect(items$.observed).to.equal(false);
  });

  it('refuses with suspend() what cannot be paused', () => {
    const bench = new Bench({ overflow: suspend(), open: (outlet) => outlet.follow(NEVER) });
    expect(bench.log).to.deep.equal(['error of source RHK_CANNOT_SUSPEND']);
  });
});

describe('the wait for credit', () => {
  const actions = fc.array(fc.constantFrom('send', 'send', 'send', 'drain', 'drain', 'pause', 'end', 'fail', 'stop', 'watch'), {
    maxLength: 40,
  });
  const policies: readonly OverflowPolicy<string>[] = [suspend(), dropNewest(), dropOldest(), latest()];

  it('ends on drain, end, error and loss, whichever comes first, and leaves nothing behind', () => {
    fc.assert(
      fc.property(actions, fc.constantFrom(...policies), fc.integer({ min: 1, max: 3 }), (taken, overflow, queueSize) => {
        const bench = new Bench({ overflow, queueSize }, 1);
        let offered = 0;
        let isEnding = false;
        const isOver = (): boolean => bench.tornDown > 0;
        for (const action of taken) {
          if (action === 'send') {
            if (!isOver() && !isEnding) offered++;
            bench.outlet.send(String(offered));
          } else if (action === 'drain') bench.port.drain(2);
          else if (action === 'pause') bench.port.credit = 0;
          else if (action === 'end') {
            isEnding = true;
            bench.outlet.end();
          } else if (action === 'fail') bench.outlet.fail(new Error('torn'));
          else if (action === 'stop') bench.source.stop();
          const { counts } = bench.outlet;
          expect(counts.sent + counts.dropped + counts.waiting).to.equal(offered);
          expect(counts.sent).to.equal(bench.log.filter((line) => line.startsWith('write')).length);
          expect(counts.dropped).to.equal(bench.drops.reduce((sum, { count }) => sum + count, 0));
        }
        bench.source.stop(); // whatever it waited for, this is the end
        const log = [...bench.log];
        bench.port.drain(5);
        bench.outlet.send('late');
        expect(bench.log, 'nothing comes behind the end').to.deep.equal(log);
        expect(bench.port.onDrain, 'nobody waits for credit any more').to.equal(null);
        expect(bench).to.include({ opened: 1, tornDown: 1, completions: 3 });
        expect(bench.outlet.counts).to.include({ offered, waiting: 0 });
        expect(bench.log.filter((line) => line.includes('of source'))).to.have.lengthOf.at.most(1);
      }),
      { numRuns: 500 },
    );
  });
});
