import { expect } from 'chai';
import fc from 'fast-check';
import { config, finalize, map, mergeMap, NEVER, type Observable, of, Subject, type Subscription, takeUntil } from 'rxjs';
import {
  admit,
  type Admit,
  type AdmitOptions,
  extend,
  type Handler,
  type HttpRequest,
  OptionError,
  OverloadError,
  type Pressure,
  type Reply,
} from 'rx-http-kit';
import { answer } from '#src/rx/answering/answer.js';
import { IncomingRequest } from '#src/rx/request.js';
import { WaitingRoom } from '#src/rx/admission/waiting-room.js';
import { headFrom, RecordingPort } from '../recording-port.js';

/** What a caller without types may give. */
const optionsOf = (options: unknown): AdmitOptions => options as AdmitOptions;

const requestTo = (uri: string): HttpRequest => ({ uri }) as HttpRequest; // the handlers here read nothing else

/** Behind all that is due at the end of this turn. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const pressureOf = (gate: Admit): Pressure => {
  let now: Pressure | undefined;
  gate.pressure$.subscribe((pressure) => (now = pressure)).unsubscribe();
  if (now === undefined) throw new Error('a watcher is told at once');
  return now;
};

const countsOf = (gate: Admit): readonly [active: number, waiting: number] => {
  const { active, waiting } = pressureOf(gate);
  return [active, waiting];
};

/** One exchange of a server, answered with `handler`; its port writes down what is done. */
const exchange = (handler: Handler, uri: string = '/') => {
  const port = new RecordingPort(headFrom(`GET ${uri} HTTP/1.1`, 'host: x'));
  const request = new IncomingRequest(port);
  const subscription = answer(request, handler, new WaitingRoom(100)).subscribe();
  return { port, request, subscription };
};

/** What the request is refused with. */
const refusalOf = (options: Partial<AdmitOptions>): OverloadError => {
  const handler = admit({ concurrency: 1, queueSize: 0, ...options })(() => NEVER);
  let refusal: unknown;
  of(requestTo('/')).pipe(handler).subscribe();
  of(requestTo('/')).pipe(handler).subscribe({ error: (error: unknown) => (refusal = error) }); // prettier-ignore
  if (refusal instanceof OverloadError) return refusal;
  throw new Error('it was not refused');
};

describe('admit', () => {
  it('runs nothing for a request that a watcher of the pressure has let go', () => {
    const gate = admit({ concurrency: 1, queueSize: 1 });
    let runs = 0;
    const handler = gate(
      mergeMap(() => {
        runs++;
        return NEVER;
      }),
    );
    const left = new Subject<void>();
    gate.pressure$.subscribe(({ active }) => {
      if (active === 1) left.next();
    });
    of(requestTo('/')).pipe(handler, takeUntil(left)).subscribe();
    expect(runs).to.equal(0);
    expect(countsOf(gate)).to.deep.equal([0, 0]);
  });

  describe('takes as', () => {
    const rules: Readonly<Record<keyof AdmitOptions, readonly [good: readonly unknown[], bad: readonly unknown[], allowed: string]>> = {
      concurrency: [
        [1, 1_000_000, Infinity],
        [0, -1, 1.5, NaN, '1', null, undefined, {}, 1n],
        'an integer from 1 to 9007199254740991, or Infinity',
      ],
      queueSize: [[0, 1, Infinity, undefined], [-1, 0.5, NaN, '1', true, {}], 'an integer from 0 to 9007199254740991, or Infinity'],
      maxWaitMs: [
        [0, 1, 2_147_483_647, Infinity, undefined],
        [-1, 2_147_483_648, 0.5, '1s'],
        'an integer from 0 to 2147483647, or Infinity',
      ],
      retryAfter: [
        [0, 1, 86_400, () => 1, undefined],
        [-1, 0.5, Infinity, NaN, 'soon', {}],
        'an integer from 0 to 9007199254740991, or a function',
      ],
    };
    for (const [name, [good, bad, allowed]] of Object.entries(rules)) {
      it(`${name} ${allowed}`, () => {
        for (const value of good) admit(optionsOf({ concurrency: 1, [name]: value }));
        for (const value of bad) {
          const error = expect(() => admit(optionsOf({ concurrency: 1, [name]: value })), `${typeof value}`).to.throw(OptionError);
          error.with.property('option', name);
          error.with.property('message').that.includes(`option ${name}: is `).and.includes(`must be ${allowed}`);
        }
      });
    }

    it('options an object of these names', () => {
      for (const given of [undefined, null, 5, 'x']) expect(() => admit(optionsOf(given))).to.throw(OptionError, 'option options: is ');
      for (const name of ['concurency', 'constructor', 'timeout']) {
        expect(() => admit(optionsOf({ concurrency: 1, [name]: 1 })))
          .to.throw(OptionError, 'is not an option; the options are concurrency, queueSize, maxWaitMs, retryAfter')
          .with.property('option', name);
      }
    });

    it('handler a function', () => {
      const gate = admit({ concurrency: 1 });
      for (const handler of [undefined, null, 5, {}, NEVER]) {
        expect(() => gate(handler as unknown as Handler)).to.throw(OptionError, 'option handler: is ');
      }
    });
  });

  it('has defaults', () => {
    expect(pressureOf(admit({ concurrency: 2 }))).to.deep.equal({ active: 0, waiting: 0, concurrency: 2, queueSize: 20_480 });
  });

  describe('refuses with', () => {
    it('code, numbers, and the seconds of retryAfter', () => {
      const refusal = refusalOf({ retryAfter: 7 });
      expect(refusal).to.include({ code: 'RHK_ADMISSION_FULL', status: 503, retryAfter: 7 });
      expect(refusal.message).to.equal('1 requests run and 0 wait, limit 0 (queueSize)');
      expect(refusalOf({}).retryAfter).to.equal(1);
      expect(refusalOf({ retryAfter: 0 }).retryAfter).to.equal(0);
    });

    it('what retryAfter makes of the pressure, rounded up', () => {
      const seen: Pressure[] = [];
      const retryAfter = (pressure: Pressure): number => seen.push(pressure) + 1.2;
      expect(refusalOf({ retryAfter }).retryAfter).to.equal(3);
      expect(seen).to.deep.equal([{ active: 1, waiting: 0, concurrency: 1, queueSize: 0 }]);
    });

    it('one second, and a cause, where retryAfter fails', () => {
      const bug = new Error('a bug');
      const thrown = refusalOf({
        retryAfter: () => {
          throw bug;
        },
      });
      expect(thrown).to.include({ retryAfter: 1, cause: bug });
      for (const seconds of [NaN, -1, Infinity, 'soon' as unknown as number]) {
        const { retryAfter, cause } = refusalOf({ retryAfter: () => seconds });
        expect(retryAfter).to.equal(1);
        expect(cause).to.be.instanceOf(OptionError).with.property('option', 'retryAfter');
      }
    });

    it('a 503 whose retry-after says so, and an event', () => {
      const handler = admit({ concurrency: 1, queueSize: 0, retryAfter: 30 })(() => NEVER);
      exchange(handler);
      expect(exchange(handler).port.log).to.deep.equal([
        'report RHK_ADMISSION_FULL',
        'begin 503 retry-after: 30;',
        'write the server is busy',
        'end',
      ]);
    });
  });

  it('serves ten thousand that wait and are done at once, in order, without ten thousand frames of the stack', async () => {
    const gate = admit({ concurrency: 1 });
    const first$ = new Subject<Reply>();
    const served: string[] = [];
    const handler = gate(mergeMap(({ uri }) => (uri === 'first' ? first$ : of(served.push(uri)).pipe(map(String)))));
    of(requestTo('first')).pipe(handler).subscribe();
    let answered = 0;
    for (let index = 0; index < 10_000; index++) of(requestTo(`${index}`)).pipe(handler).subscribe(() => answered++); // prettier-ignore
    expect(countsOf(gate)).to.deep.equal([1, 10_000]);
    first$.complete();
    await endOfTurn();
    expect(answered).to.equal(10_000);
    expect(served).to.deep.equal(Array.from({ length: 10_000 }, (_, index) => `${index}`));
    expect(countsOf(gate)).to.deep.equal([0, 0]);
  });

  it('computes no pressure while nobody watches', () => {
    const seen: number[] = [];
    const gate = admit({ concurrency: 5 });
    const handler = gate(map(() => 'x'));
    const subscription = gate.pressure$.subscribe(({ active }) => seen.push(active));
    of(requestTo('/')).pipe(handler).subscribe();
    subscription.unsubscribe();
    of(requestTo('/')).pipe(handler).subscribe();
    expect(seen).to.deep.equal([0, 1, 0]);
  });

  describe('of a server holds a slot', () => {
    /** Applies the gate, begins, and tells how many slots are held afterwards. */
    const begun = (handler: Handler) => {
      const gate = admit({ concurrency: 3 });
      return { gate, ...exchange(gate(handler)) };
    };

    it('until a body that is streamed has run out, though the reply stream has ended', () => {
      const body$ = new Subject<string>();
      const { gate, port } = begun(map(() => ({ body: body$ })));
      expect(countsOf(gate)).to.deep.equal([1, 0]);
      body$.next('a');
      expect(countsOf(gate)).to.deep.equal([1, 0]);
      body$.complete();
      expect(countsOf(gate)).to.deep.equal([0, 0]);
      expect(port.log.at(-1)).to.equal('end');
    });

    it('until the client of such a body has gone, and its finalizers have run', () => {
      const counts: unknown[] = [];
      const gate = admit({ concurrency: 3 });
      const body$ = NEVER.pipe(finalize(() => counts.push(countsOf(gate))));
      const { port } = exchange(gate(map(() => ({ body: body$ }))));
      expect(countsOf(gate)).to.deep.equal([1, 0]);
      port.settle('gone');
      expect(counts).to.deep.equal([[1, 0]]);
      expect(countsOf(gate)).to.deep.equal([0, 0]);
    });

    it('until such a body has failed', () => {
      const body$ = new Subject<string>();
      const { gate } = begun(map(() => ({ body: body$ })));
      body$.error(new Error('x'));
      expect(countsOf(gate)).to.deep.equal([0, 0]);
    });

    it('no longer than the handler where that is empty: the request may be for another', () => {
      const gate = admit({ concurrency: 3 });
      exchange((requests$) => {
        gate(() => of())(requests$).subscribe();
        expect(countsOf(gate)).to.deep.equal([0, 0]);
        return NEVER;
      });
      expect(countsOf(gate)).to.deep.equal([0, 0]);
    });

    it('for a request that was extended, too', () => {
      const gate = admit({ concurrency: 3 });
      const inner = gate(map(() => ({ body: NEVER })));
      const { subscription } = exchange((requests$) => requests$.pipe(map((request) => extend(request, { user: 1 })), inner)); // prettier-ignore
      expect(countsOf(gate)).to.deep.equal([1, 0]);
      subscription.unsubscribe();
      expect(countsOf(gate)).to.deep.equal([0, 0]);
    });

    it('not behind the end of a reply that is one piece', () => {
      expect(countsOf(begun(map(() => 'x')).gate)).to.deep.equal([0, 0]);
    });
  });

  describe('with a finalizer that throws', () => {
    const bug = new Error('a bug');
    const throwing = <T>(source$: Observable<T>): Observable<T> =>
      source$.pipe(
        finalize(() => {
          throw bug;
        }),
      );
    const ways: Readonly<Record<string, (end$: Subject<Reply>, port: RecordingPort) => void>> = {
      'behind the reply': (end$) => {
        end$.next('x');
        end$.complete();
      },
      'behind a failure': (end$) => end$.error(new Error('first')),
      'when the client leaves': (_, port) => port.settle('gone'),
    };
    for (const [when, way] of Object.entries(ways)) {
      it(`${when}, gives back the slot and tells`, () => {
        const end$ = new Subject<Reply>();
        const gate = admit({ concurrency: 1 });
        const { port } = exchange(gate(() => throwing(end$)));
        way(end$, port);
        expect(countsOf(gate)).to.deep.equal([0, 0]);
        const reports = port.log.filter((line) => line === 'report RHK_HANDLER_FAILED');
        expect(reports).to.have.lengthOf(when === 'behind a failure' ? 2 : 1);
        if (when === 'behind the reply') expect(port.log).to.include('end');
      });
    }

    it('gives back the slots where no server is there to be told, and goes on', async () => {
      const gate = admit({ concurrency: 1 });
      const first$ = new Subject<Reply>();
      const handler = gate(() => throwing(first$));
      const unhandled: unknown[] = [];
      config.onUnhandledError = (error: unknown) => unhandled.push(error);
      try {
        let answered = 0;
        for (let index = 0; index < 3; index++) of(requestTo('/')).pipe(handler).subscribe({ complete: () => answered++ }); // prettier-ignore
        expect(countsOf(gate)).to.deep.equal([1, 2]);
        first$.complete();
        await endOfTurn();
        expect([answered, ...countsOf(gate)]).to.deep.equal([3, 0, 0]);
        await new Promise((resolve) => setTimeout(resolve)); // RxJS tells in a timer
        expect(unhandled).to.have.lengthOf(3);
      } finally {
        config.onUnhandledError = null;
      }
    });

    it('at once, gives back the slot, answers and tells', () => {
      const gate = admit({ concurrency: 1 });
      const { port } = exchange(gate(() => throwing(of('x'))));
      expect(countsOf(gate)).to.deep.equal([0, 0]);
      expect(port.log).to.include('end').and.include('write x');
      expect(port.log.filter((line) => line.startsWith('report'))).to.have.lengthOf(1);
    });
  });

  describe('while a request waits', () => {
    it('takes a client that closes its half for one that has gone, and not any longer', async () => {
      const gate = admit({ concurrency: 1 });
      const first$ = new Subject<Reply>();
      const handler = gate(mergeMap(({ uri }) => (uri === '/1' ? first$ : NEVER)));
      const { port: running } = exchange(handler, '/1');
      const { port: waiting } = exchange(handler, '/2');
      const { port: left, subscription } = exchange(handler, '/3');
      expect([running.endsWithInput, waiting.endsWithInput, left.endsWithInput]).to.deep.equal([false, true, true]);
      subscription.unsubscribe();
      first$.complete();
      await endOfTurn();
      expect([waiting.endsWithInput, left.endsWithInput]).to.deep.equal([false, false]);
      expect(countsOf(gate)).to.deep.equal([1, 0]);
    });
  });

  it('keeps no timer when nobody waits', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const gate = admit({ concurrency: 1, maxWaitMs: 60_000 });
    const handler = gate(() => NEVER);
    const subscriptions = ['a', 'b', 'c'].map((uri) => of(requestTo(uri)).pipe(handler).subscribe()); // prettier-ignore
    expect(timers()).to.equal(before + 1);
    for (const subscription of subscriptions.slice(1)) subscription.unsubscribe();
    expect(timers()).to.equal(before);
    subscriptions[0].unsubscribe();
  });

  it('holds its laws in any interleaving', async () => {
    const step = fc.record({
      what: fc.constantFrom('come', 'come', 'come', 'complete', 'fail', 'leave', 'turn'),
      at: fc.nat(30),
    });
    const limits = fc.record({ concurrency: fc.integer({ min: 1, max: 3 }), queueSize: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (options, steps) => {
        const site = new Crowd(options);
        for (const { what, at } of steps) {
          if (what === 'turn')
            await Promise.resolve().then(() => {}); // prettier-ignore
          else site.act(what, at);
          site.check();
        }
        await endOfTurn();
        site.check();
        site.checkAtRest();
      }),
      { numRuns: 300 },
    );
  });
});

/** Requests as they come, run and go, beside what the laws make of them. */
class Crowd {
  readonly gate: Admit;
  readonly options: { readonly concurrency: number; readonly queueSize: number };
  readonly ends: string[][];
  readonly works: Map<number, Subject<Reply>>;
  readonly subscriptions: Subscription[];
  readonly started: number[];
  /** Unrefused, in the order of coming, that have neither ended nor left. */
  inside: number[];
  private readonly handler: Handler;

  constructor(options: { readonly concurrency: number; readonly queueSize: number }) {
    this.options = options;
    this.gate = admit({ ...options, maxWaitMs: Infinity });
    this.ends = [];
    this.works = new Map();
    this.subscriptions = [];
    this.started = [];
    this.inside = [];
    this.handler = this.gate(
      mergeMap(({ uri }) => {
        const id = Number(uri);
        const work$ = new Subject<Reply>();
        this.started.push(id);
        this.works.set(id, work$);
        return work$.pipe(finalize(() => this.works.delete(id)));
      }),
    );
  }

  act(what: string, at: number): void {
    if (what === 'come') return this.come();
    if (what === 'leave') {
      if (at >= this.subscriptions.length || this.ends[at].length > 0) return;
      this.ends[at].push('left');
      this.inside = this.inside.filter((id) => id !== at);
      this.subscriptions[at].unsubscribe();
      return;
    }
    const running = [...this.works.values()];
    if (running.length === 0) return;
    const work$ = running[at % running.length];
    if (what === 'complete') work$.complete();
    else work$.error(new Error('x'));
  }

  private come(): void {
    const id = this.ends.push([]) - 1;
    const { concurrency, queueSize } = this.options;
    const isFull = this.inside.length >= concurrency + queueSize;
    if (!isFull) this.inside.push(id);
    const end = (how: string): void => {
      this.ends[id].push(how);
      this.inside = this.inside.filter((other) => other !== id);
    };
    this.subscriptions.push(
      of(requestTo(`${id}`))
        .pipe(this.handler)
        .subscribe({ error: (error) => end(error instanceof OverloadError ? 'refused' : 'failed'), complete: () => end('done') }),
    );
    expect(this.ends[id].includes('refused'), 'refused if and only if it is full').to.equal(isFull);
  }

  check(): void {
    const { concurrency } = this.options;
    const [active, waiting] = countsOf(this.gate);
    expect(this.works.size, 'no more run than may').to.be.at.most(concurrency);
    expect(active, 'slots that are held').to.equal(Math.min(this.inside.length, concurrency));
    expect(active + waiting, 'all that are inside').to.equal(this.inside.length);
    expect(this.started, 'first in, first out').to.deep.equal([...this.started].sort((one, other) => one - other));
    for (const ends of this.ends) expect(ends.length, 'ends').to.be.at.most(1);
  }

  /** Nothing is due any more: the first of those inside run. */
  checkAtRest(): void {
    expect([...this.works.keys()]).to.deep.equal(this.inside.slice(0, this.options.concurrency));
    for (const [id, ends] of this.ends.entries())
      expect(ends.length, `${id} has ended or is inside`).to.equal(this.inside.includes(id) ? 0 : 1);
  }
}
