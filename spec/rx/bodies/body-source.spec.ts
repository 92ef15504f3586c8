import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { expect } from 'chai';
import { concat, finalize, Observable, of, Subject, throwError } from 'rxjs';
import { sourceFrom } from '#src/rx/bodies/body-source.js';
import type { RunningSource } from '#src/rx/bodies/pulled-source.js';
import type { BodyPiece, BodySource } from '#src/rx/response.js';
import { RecordingPort } from '../recording-port.js';

/** Lets all promises and streams that can go on do so. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A source in work on a recording port; its end is in the port's log. */
const started = (body: BodySource, port: RecordingPort = new RecordingPort()): { port: RecordingPort; source: RunningSource } => {
  const source = sourceFrom(body, port, {
    onSourceEnd: () => port.log.push('source end'),
    onSourceError: (error) => port.log.push(`source error ${error instanceof Error ? error.message : String(error)}`),
  });
  source.start();
  return { port, source };
};

/** What a script does: gives pieces, fails where one is an Error, and goes on for ever where the last is `Infinity`. */
type Script = readonly (BodyPiece | Error | number)[];

interface Scripted {
  readonly body: BodySource;
  /** How many items were asked of it. */
  pulled(): number;
  /** How often it was let go: returned, destroyed or cancelled. */
  letGo(): number;
}

class Tally {
  pulled = 0;
  letGo = 0;

  /** The next item of a script. */
  next(script: Script): { done: boolean; value: BodyPiece } {
    const item = script[Math.min(this.pulled, script.length)];
    this.pulled++;
    if (item instanceof Error) throw item;
    const value = item as BodyPiece; // numbers are what a typed source could not give
    return { done: this.pulled > script.length, value };
  }
}

const scripted = (tally: Tally, body: BodySource): Scripted => ({ body, pulled: () => tally.pulled, letGo: () => tally.letGo });

/** Every kind of source that is pulled, made to play a script. */
const PULLED: Readonly<Record<string, (script: Script) => Scripted>> = {
  'an iterator': (script) => {
    const tally = new Tally();
    const iterator: Iterator<BodyPiece> = {
      next: () => tally.next(script),
      return: () => {
        tally.letGo++;
        return { done: true, value: undefined };
      },
    };
    return scripted(tally, { [Symbol.iterator]: () => iterator });
  },
  'a generator': (script) => {
    const tally = new Tally();
    const generate = function* (): Generator<BodyPiece> {
      try {
        for (let item = tally.next(script); !item.done; item = tally.next(script)) yield item.value;
      } finally {
        tally.letGo++;
      }
    };
    return scripted(tally, generate());
  },
  'an async iterator': (script) => {
    const tally = new Tally();
    const iterator: AsyncIterator<BodyPiece> = {
      next: async () => tally.next(script),
      return: async () => {
        tally.letGo++;
        return { done: true, value: undefined };
      },
    };
    return scripted(tally, { [Symbol.asyncIterator]: () => iterator });
  },
  'an async generator': (script) => {
    const tally = new Tally();
    const generate = async function* (): AsyncGenerator<BodyPiece> {
      try {
        for (let item = tally.next(script); !item.done; item = tally.next(script)) yield item.value;
      } finally {
        tally.letGo++;
      }
    };
    return scripted(tally, generate());
  },
  'a Readable': (script) => {
    const tally = new Tally();
    const readable = new Readable({
      objectMode: true,
      highWaterMark: 1,
      read() {
        try {
          const item = tally.next(script);
          this.push(item.done ? null : item.value);
        } catch (error) {
          this.destroy(error as Error); // scripts throw nothing else
        }
      },
      destroy(error, done) {
        tally.letGo++;
        done(error);
      },
    });
    return scripted(tally, readable);
  },
  'a ReadableStream': (script) => {
    const tally = new Tally();
    const stream = new ReadableStream<BodyPiece>(
      {
        pull: (controller) => {
          const item = tally.next(script);
          if (item.done) controller.close();
          else controller.enqueue(item.value);
        },
        cancel: () => {
          tally.letGo++;
        },
      },
      { highWaterMark: 0 },
    );
    return scripted(tally, stream);
  },
};

/** Natural ends, by kind: generators and Readables clean up by themselves, nobody has to let them go. */
const CLEANS_UP = new Set(['a generator', 'an async generator', 'a Readable']);

for (const [kind, make] of Object.entries(PULLED)) {
  const naturally = CLEANS_UP.has(kind) ? 1 : 0;

  describe(`${kind} as a body`, () => {
    it('is written piece by piece, then over', async () => {
      const { body, letGo } = make(['a', new Uint8Array([98]), 'c']);
      const { port, source } = started(body);
      await settle();
      expect(port.log).to.deep.equal(['write a', 'write b', 'write c', 'source end']);
      source.stop();
      await settle();
      expect(port.log, 'nothing comes behind the end').to.have.lengthOf(4);
      expect(letGo()).to.equal(naturally);
      expect(port.onDrain).to.equal(null);
    });

    it('is pulled no faster than it is taken', async () => {
      const { body, pulled } = make(Array.from({ length: 40 }, (_, index) => `${index}`));
      const port = new RecordingPort();
      port.credit = 2;
      started(body, port);
      await settle();
      expect(port.log).to.deep.equal(['write 0', 'write 1']);
      expect(pulled(), 'a stream may hold one or two ahead').to.be.within(2, kind === 'a Readable' ? 4 : 2);
      port.drain(3);
      await settle();
      expect(port.log).to.have.lengthOf(5);
      port.drain(Infinity);
      await settle();
      expect(port.log).to.have.lengthOf(41);
    });

    it('is let go once when stopped, and not heard of again', async () => {
      const { body, letGo } = make(['a', 'b', 'c']);
      const port = new RecordingPort();
      port.credit = 1;
      const { source } = started(body, port);
      await settle();
      source.stop();
      source.stop();
      await settle();
      expect(letGo()).to.equal(1);
      expect(port.onDrain).to.equal(null);
      expect(port.log).to.deep.equal(['write a']);
    });

    it('is let go once when stopped before its first piece', async () => {
      const { body, letGo } = make(['a']);
      const port = new RecordingPort();
      port.credit = 1;
      const { source } = started(body, port);
      source.stop();
      await settle();
      // A generator that was never entered has nothing to clean up; a synchronous one has given its piece already.
      if (kind !== 'an async generator') expect(letGo()).to.equal(1);
      expect(port.log.filter((line) => line.startsWith('source'))).to.deep.equal([]);
    });

    it('is let go once when stopped while a piece is written', async () => {
      const { body, letGo } = make(['a', 'b', 'c']);
      const port = new RecordingPort();
      const running: { source?: RunningSource } = {};
      port.onWrite = (piece) => {
        if (piece === 'b') running.source?.stop();
      };
      port.credit = 1;
      running.source = started(body, port).source;
      await settle();
      port.drain(Infinity);
      await settle();
      expect(port.log).to.deep.equal(['write a', 'write b']);
      expect(letGo()).to.equal(1);
    });

    it('fails once when it fails', async () => {
      const { body, letGo } = make(['a', new Error('broken')]);
      const { port, source } = started(body);
      await settle();
      source.stop();
      await settle();
      expect(port.log).to.deep.equal(['write a', 'source error broken']);
      expect(letGo()).to.equal(naturally);
    });

    it('fails at the first piece that is none, and is let go', async () => {
      const { body, letGo } = make(['a', 5, 'c']);
      const { port } = started(body);
      await settle();
      expect(port.log).to.deep.equal(['write a', 'source error a piece of the reply body is a number, not a string or bytes']);
      expect(letGo()).to.equal(1);
    });

    it('has no piece pulled twice when credit comes back twice', async () => {
      const { body, pulled } = make(['a', 'b', 'c', 'd', 'e']);
      const port = new RecordingPort();
      port.credit = 1;
      started(body, port);
      await settle();
      port.credit = 1;
      port.onDrain?.();
      port.credit = Math.min(port.credit, 1);
      if (kind.includes('async') || kind === 'a ReadableStream') port.onDrain?.(); // while the piece is on its way
      await settle();
      expect(port.log).to.deep.equal(['write a', 'write b']);
      expect(pulled()).to.be.at.most(kind === 'a Readable' ? 4 : 2);
    });
  });
}

describe('iterables as bodies', () => {
  it('report what their return throws', async () => {
    const thrower = (): never => {
      throw new Error('in return');
    };
    const bodies: BodySource[] = [
      { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 'a' }), return: thrower }) },
      { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 'a' }), return: thrower }) },
      { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 'a' }), return: async () => thrower() }) },
      new ReadableStream<string>({ pull: (controller) => controller.enqueue('a'), cancel: thrower }),
    ];
    for (const body of bodies) {
      const port = new RecordingPort();
      port.credit = 1;
      const { source } = started(body, port);
      await settle();
      source.stop();
      await settle();
      expect(port.log).to.deep.equal(['write a', 'report in return']);
    }
  });

  it('fail when they cannot be opened', async () => {
    const thrower = (): never => {
      throw new Error('shut');
    };
    for (const body of [{ [Symbol.iterator]: thrower }, { [Symbol.asyncIterator]: thrower }]) {
      expect(started(body).port.log).to.deep.equal(['source error shut']);
    }
    const locked = new ReadableStream<string>();
    locked.getReader();
    expect(started(locked).port.log[0]).to.match(/^source error .*locked/);
  });

  it('fail when they give no result', async () => {
    const nothing = undefined as unknown as IteratorResult<string>; // what no typed iterator can give
    const unhandled: unknown[] = [];
    const watch = (reason: unknown): void => void unhandled.push(reason);
    process.prependListener('unhandledRejection', watch);
    try {
      for (const body of [
        { [Symbol.iterator]: () => ({ next: () => nothing }) },
        { [Symbol.asyncIterator]: () => ({ next: async () => nothing }) },
        { [Symbol.asyncIterator]: () => ({ next: () => nothing as unknown as Promise<IteratorResult<string>> }) },
      ]) {
        const { port } = started(body);
        await settle();
        expect(port.log).to.have.lengthOf(1);
        expect(port.log[0]).to.match(/^source error /);
      }
    } finally {
      process.off('unhandledRejection', watch);
    }
    expect(unhandled).to.deep.equal([]);
  });

  it('are returned behind the piece that they were stopped in', () => {
    const port = new RecordingPort();
    const log: string[] = [];
    const running: { source?: RunningSource } = {};
    const generate = function* (): Generator<string> {
      try {
        yield 'a';
        running.source?.stop();
        yield 'b';
      } finally {
        log.push('let go');
      }
    };
    port.credit = 1;
    running.source = started(generate(), port).source;
    port.drain(Infinity);
    expect(port.log).to.deep.equal(['write a']);
    expect(log).to.deep.equal(['let go']);
  });

  it('may be endless', () => {
    const endless = function* (): Generator<string> {
      for (;;) yield 'a';
    };
    const port = new RecordingPort();
    port.credit = 1_000;
    const { source } = started(endless(), port);
    expect(port.log).to.have.lengthOf(1_000);
    source.stop();
    port.drain(10);
    expect(port.log).to.have.lengthOf(1_000);
  });
});

describe('a Readable as a body', () => {
  it('that was destroyed before is an error', async () => {
    const readable = new Readable({ read() {} });
    readable.destroy();
    const { port } = started(readable);
    await settle();
    expect(port.log).to.have.lengthOf(1);
    expect(port.log[0]).to.match(/^source error Premature close/);
  });

  it('that was paused before flows', async () => {
    const readable = Readable.from(['a', 'b']).pause();
    const { port, source } = started(readable);
    await settle();
    expect(port.log).to.deep.equal(['write a', 'write b', 'source end']);
    source.stop();
  });

  it("that fails behind its end is nobody else's business", async () => {
    const readable = new Readable({ read() {}, autoDestroy: false });
    const port = new RecordingPort();
    const { source } = started(readable, port);
    source.stop();
    readable.emit('error', new Error('late'));
    await settle();
    expect(port.log).to.deep.equal([]);
  });

  it('leaves no listener of its own behind', async () => {
    const readable = Readable.from(['a']);
    started(readable);
    await settle();
    expect(readable.listenerCount('data')).to.equal(0);
    expect(readable.listenerCount('end') + readable.listenerCount('close')).to.equal(0);
  });
});

describe('an Observable as a body', () => {
  /** Counts how often it was unsubscribed. */
  const counted = <T>(source$: Observable<T>): { source$: Observable<T>; letGo: () => number } => {
    let count = 0;
    return { source$: source$.pipe(finalize(() => count++)), letGo: () => count };
  };

  it('is written as it comes, whatever the credit', () => {
    const pieces$ = new Subject<BodyPiece>();
    const { source$, letGo } = counted(pieces$);
    const port = new RecordingPort();
    port.credit = 0;
    started(source$, port);
    pieces$.next('a');
    pieces$.next(new Uint8Array([98]));
    pieces$.complete();
    expect(port.log).to.deep.equal(['write a', 'write b', 'source end']);
    expect(letGo()).to.equal(1);
  });

  it('may be synchronous', () => {
    const { source$, letGo } = counted(of('a', 'b'));
    expect(started(source$).port.log).to.deep.equal(['write a', 'write b', 'source end']);
    expect(letGo()).to.equal(1);
  });

  it('is let go once when stopped', () => {
    const pieces$ = new Subject<string>();
    const { source$, letGo } = counted(pieces$);
    const { port, source } = started(source$);
    pieces$.next('a');
    source.stop();
    source.stop();
    pieces$.next('b');
    pieces$.complete();
    expect(port.log).to.deep.equal(['write a']);
    expect(letGo()).to.equal(1);
    expect(pieces$.observed).to.equal(false);
  });

  it('is let go once when it fails', () => {
    const { source$, letGo } = counted(
      concat(
        of('a'),
        throwError(() => new Error('broken')),
      ),
    );
    const { port, source } = started(source$);
    source.stop();
    expect(port.log).to.deep.equal(['write a', 'source error broken']);
    expect(letGo()).to.equal(1);
  });

  it('is let go at the first piece that is none', () => {
    const pieces$ = new Subject<BodyPiece>();
    const { source$, letGo } = counted(pieces$);
    const { port } = started(source$);
    pieces$.next(5 as unknown as string); // what no typed source gives
    pieces$.next('b');
    expect(port.log).to.deep.equal(['source error a piece of the reply body is a number, not a string or bytes']);
    expect(letGo()).to.equal(1);
  });

  it('can be stopped while it is still being subscribed', () => {
    let given = 0;
    const endless$ = new Observable<string>((subscriber) => {
      while (!subscriber.closed && given < 10_000) {
        given++;
        subscriber.next(`${given}`);
      }
    });
    const port = new RecordingPort();
    const source = sourceFrom(endless$, port, { onSourceEnd: () => {}, onSourceError: () => {} });
    port.onWrite = (piece) => {
      if (piece === '3') source.stop();
    };
    source.start();
    expect(given).to.equal(3);
  });

  it('whose finalizer throws is reported, however it ends', () => {
    const broken = <T>(source$: Observable<T>): Observable<T> =>
      source$.pipe(
        finalize(() => {
          throw new Error('in finalize');
        }),
      );
    const pieces$ = new Subject<string>();
    const stopped = started(broken(pieces$));
    stopped.source.stop();
    expect(stopped.port.log).to.have.lengthOf(1);
    expect(stopped.port.log[0]).to.equal('report RHK_HANDLER_FAILED');

    const completed$ = new Subject<string>();
    const completed = started(broken(completed$));
    expect(() => completed$.complete(), 'the producer must not hear of it').to.not.throw();
    expect(completed.port.log).to.have.lengthOf(2);
    expect(completed.port.log[0]).to.equal('report RHK_HANDLER_FAILED');
    expect(completed.port.log[1]).to.equal('source end');

    const failed$ = new Subject<string>();
    const failed = started(broken(failed$));
    expect(() => failed$.error(new Error('broken'))).to.not.throw();
    expect(failed.port.log[1]).to.equal('source error broken');
  });

  it('is let go without a word, where it answers `return` at once instead of with a promise', async () => {
    let letGo = 0;
    const loose = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => setImmediate(resolve, { done: false, value: 'a' })),
        return: () => {
          letGo++;
          return { done: true, value: undefined };
        },
      }),
    };
    const { port, source } = started(loose as unknown as BodySource); // what no typed source gives
    await settle();
    source.stop();
    await settle();
    expect(letGo).to.equal(1);
    expect(port.log.filter((line) => line.startsWith('report'))).to.deep.equal([]);
  });

  it('is asked for its next item once at a time, also where it brings about credit by itself', () => {
    const port = new RecordingPort();
    const rows = function* (): Generator<string> {
      yield 'a';
      port.onDrain?.();
      yield 'b';
    };
    started(rows(), port);
    expect(port.log.filter((line) => line.startsWith('source'))).to.deep.equal(['source end']);
  });
});
