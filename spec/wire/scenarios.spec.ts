/**
 * The scenarios of `marble-tests/scenarios/` that are marked there, over real sockets: the same names, the same outcome. What
 * takes seconds of the server's own time starts at once, side by side; every `it` waits for one outcome.
 */
import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { concatMap, finalize, firstValueFrom, interval, map, mergeMap, NEVER, of, race, Subject, takeUntil, timer, toArray } from 'rxjs';
import { admit, asChannel, draining, type Handler, type Reply, type ServerOptions, websocket } from 'rx-http-kit';
import { close, type FrameClient, pong, text } from '../support/frame-client.js';
import { FrameSite } from '../support/frame-site.js';
import { type RawClient, until } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { type Site, withServer } from '../support/serve.js';
import { line } from './cases/case.js';

/** Handler runs that wait for the test to answer them. */
class Desk {
  readonly runs: { readonly uri: string; readonly reply$: Subject<Reply>; isLetGo: boolean }[] = [];

  readonly handler: Handler = mergeMap(({ uri }) => {
    const run = { uri, reply$: new Subject<Reply>(), isLetGo: false };
    this.runs.push(run);
    return run.reply$.pipe(finalize(() => (run.isLetGo = true)));
  });

  runsAre(count: number): Promise<void> {
    return until(`${count} handlers run`, () => this.runs.length >= count);
  }

  answer(index: number, body: string): void {
    const { reply$ } = this.runs[index];
    reply$.next(body);
    reply$.complete();
  }
}

const GET = line('GET / HTTP/1.1');
const get = (uri: string): string => line(`GET ${uri} HTTP/1.1`);
const bodyOf = async (client: RawClient): Promise<string> => (await client.response()).body.toString();
const hello: Handler = map(() => 'hello');

const starts: (() => void)[] = [];

/** For what takes seconds: begins with the first test of the file. */
const early = (run: () => Promise<void>): (() => Promise<void>) => {
  let outcome: Promise<unknown> = Promise.resolve();
  starts.push(() => {
    outcome = run().then(
      () => undefined,
      (error: unknown) => error,
    );
  });
  return async () => {
    const error = await outcome;
    if (error !== undefined) throw error as Error;
  };
};

const withRaw = (handler: Handler, options: Partial<ServerOptions>, use: (client: RawClient, site: Site) => Promise<void>): Promise<void> =>
  withServer(handler, options, async (site) => use(await site.connect(), site));

describe('the scenarios on the wire', () => {
  before(() => {
    for (const start of starts) start();
  });

  describe('pipelining', () => {
    it('answers in the order of the requests, one handler at a time', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, {}, async (client) => {
        client.send(get('/a'), get('/b'), get('/c'));
        for (const [index, name] of ['a', 'b', 'c'].entries()) {
          await desk.runsAre(index + 1);
          expect(desk.runs.map(({ uri, isLetGo }) => [uri, isLetGo]).slice(-1)).to.deep.equal([[`/${name}`, false]]);
          expect(desk.runs.slice(0, -1).every(({ isLetGo }) => isLetGo)).to.equal(true);
          desk.answer(index, name);
          expect(await bodyOf(client)).to.equal(name);
        }
        expect(desk.runs).to.have.lengthOf(3);
      });
    });

    it('keeps one client waiting, and nobody else', async () => {
      const desk = new Desk();
      const handler: Handler = mergeMap((request) => (request.uri === '/slow' ? desk.handler(of(request)) : ['q']));
      await withRaw(handler, {}, async (one, site) => {
        one.send(get('/slow'), get('/quick'));
        await desk.runsAre(1);
        const two = await site.connect();
        for (let time = 0; time < 2; time++) expect(await bodyOf(two.send(get('/quick')))).to.equal('q');
        expect(one.received).to.equal(0);
        desk.answer(0, 's');
        expect([await bodyOf(one), await bodyOf(one)]).to.deep.equal(['s', 'q']);
      });
    });

    it('runs nothing of a client that has gone', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, {}, async (client, site) => {
        client.send(get('/a'), get('/b'));
        await desk.runsAre(1);
        client.abort();
        await site.letGo();
        expect(desk.runs.map(({ uri, isLetGo }) => [uri, isLetGo])).to.deep.equal([['/a', true]]);
      });
    });

    it('answers what came before a request that breaks the rules, and nothing behind it', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, {}, async (client, site) => {
        client.send(GET, 'GET  / HTTP/1.1\r\n\r\n', GET);
        await desk.runsAre(1);
        desk.answer(0, 'r');
        const replies = await client.rest();
        expect(replies.map((reply) => [reply.status, valueOf(reply, 'connection')])).to.deep.equal([
          [200, undefined],
          [400, 'close'],
        ]);
        client.finish();
        expect([desk.runs.length, site.codes]).to.deep.equal([1, ['RHK_BAD_REQUEST_LINE']]);
      });
    });
  });

  describe('admission', () => {
    it('runs one at a time, lets one wait, and refuses the third at once', async () => {
      const desk = new Desk();
      const gate = admit({ concurrency: 1, queueSize: 1 });
      await withRaw(gate(desk.handler), {}, async (a, site) => {
        const [b, c] = [await site.connect(), await site.connect()];
        a.send(GET);
        await desk.runsAre(1);
        b.send(GET);
        await waiting(gate, 1);
        const refused = await c.send(GET).response();
        expect([refused.status, valueOf(refused, 'retry-after')]).to.deep.equal([503, '1']);
        desk.answer(0, 'r');
        expect(await bodyOf(a)).to.equal('r');
        await desk.runsAre(2);
        desk.answer(1, 'r');
        expect(await bodyOf(b)).to.equal('r');
        expect(site.codes).to.deep.equal(['RHK_ADMISSION_FULL']);
      });
    });

    it('never runs the request of a client that has left while it waited', async () => {
      const desk = new Desk();
      const gate = admit({ concurrency: 1, queueSize: 2 });
      await withRaw(gate(desk.handler), {}, async (a, site) => {
        const [b, c] = [await site.connect(), await site.connect()];
        a.send(get('/a'));
        await desk.runsAre(1);
        b.send(get('/b'));
        await waiting(gate, 1);
        c.send(get('/c'));
        await waiting(gate, 2);
        b.abort();
        await waiting(gate, 1);
        desk.answer(0, 'r');
        await desk.runsAre(2);
        desk.answer(1, 'r');
        expect([await bodyOf(a), await bodyOf(c)]).to.deep.equal(['r', 'r']);
        expect(desk.runs.map(({ uri }) => uri)).to.deep.equal(['/a', '/c']);
      });
    });

    it('has an outer wall: queueSize requests of a server may wait for their first item', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, { queueSize: 2 }, async (a, site) => {
        const [b, c] = [await site.connect(), await site.connect()];
        a.send(GET);
        b.send(GET);
        await desk.runsAre(2);
        const refused = await c.send(GET).response();
        expect([refused.status, valueOf(refused, 'retry-after')]).to.deep.equal([503, '1']);
        desk.answer(0, 'r');
        desk.answer(1, 'r');
        expect([await bodyOf(a), await bodyOf(b)]).to.deep.equal(['r', 'r']);
        c.send(GET);
        await desk.runsAre(3);
        desk.answer(2, 'r');
        expect(await bodyOf(c)).to.equal('r');
        expect(site.codes).to.deep.equal(['RHK_ADMISSION_FULL']);
      });
    });
  });

  describe('slow readers', () => {
    const KIB = 1_024;

    it('of an HTTP stream are cut when more waits than may, and the source is let go', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, { maxBufferedBytes: 128 * KIB }, async (client, site) => {
        client.pause().send(GET);
        await desk.runsAre(1);
        await until('the feed is let go', () => {
          desk.runs[0].reply$.next('x'.repeat(32 * KIB));
          return desk.runs[0].isLetGo;
        });
        expect(site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        client.resume();
        expect((await client.cut()).isComplete).to.equal(false);
      });
    });

    it('of a WebSocket are closed with 1013, and a fast one beside them loses nothing', async () => {
      const feed$ = new Subject<string>();
      const handler = websocket(() => feed$, { maxBufferedBytes: 64 * KIB });
      await FrameSite.with(handler, async (frames) => {
        const [slow, fast] = [await frames.open(), await frames.open()];
        slow.pause();
        let sent = 0;
        while (frames.site.codes.length === 0 && sent < 2_000) {
          feed$.next(`${sent}:${'x'.repeat(32 * KIB)}`);
          expect((await fast.next()).payload.toString()).to.match(new RegExp(`^${sent++}:x+$`));
        }
        expect(frames.site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        feed$.complete();
        expect(await fast.word()).to.equal('close 1000');
        slow.resume();
        let last = '';
        while (!last.startsWith('close')) last = await slow.word();
        expect(last).to.equal('close 1013');
        slow.send(close(1013));
        expect(await slow.ended()).to.equal('end');
      });
    });

    it(
      'that take nothing at all are cut after stallTimeoutMs',
      early(async () => {
        const desk = new Desk();
        await withRaw(desk.handler, { stallTimeoutMs: 1_000 }, async (client, site) => {
          client.pause().send(GET);
          await desk.runsAre(1);
          desk.runs[0].reply$.next({ body: endless() }); // more than kernels take
          await until('the handler is let go', () => desk.runs[0].isLetGo);
          expect(site.codes).to.deep.equal(['RHK_STALLED']);
        });
      }),
    );
  });

  describe('a heartbeat', () => {
    it(
      'closes a peer that vanished without a word, and lets go of its feed',
      early(async () => {
        let isLetGo = false;
        const handler = websocket(() => NEVER.pipe(finalize(() => (isLetGo = true))), { heartbeatMs: 1_000 });
        await FrameSite.with(handler, async (frames) => {
          const client = await frames.open(); // answers no ping
          await client.ended();
          expect(isLetGo).to.equal(true);
          await frames.site.letGo();
        });
      }),
    );

    it(
      'pings a silent client, whose pong keeps it: for ten minutes',
      early(() =>
        // prettier-ignore
        FrameSite.with(
          websocket(() => NEVER, { heartbeatMs: 1_000 }),
          async (frames) => {
            const client = await frames.open();
            for (let time = 0; time < 2; time++) {
              expect(await client.word()).to.equal('ping ');
              client.send(pong());
            }
            expect(client.hasEnded).to.equal(false);
          },
        ),
      ),
    );

    it(
      'does not ping a client that talks',
      early(() =>
        // prettier-ignore
        FrameSite.with(websocket(map((message) => message), { heartbeatMs: 2_000 }), async (frames) => { // prettier-ignore
          const client = await frames.open();
          const stop = repeating(client, text('here'), 300);
          try {
            for (let time = 0; time < 12; time++) expect(await client.word()).to.equal('text here');
          } finally {
            stop();
          }
        }),
      ),
    );
  });

  describe('long polling', () => {
    it('answers with the next event, or with 204 when its time is over', async () => {
      const events$ = new Subject<string>();
      const poll: Handler = asChannel((channel) =>
        race(events$, timer(100).pipe(map(() => ({ status: 204 })))).subscribe((reply) => channel.send(reply)),
      );
      await withRaw(poll, {}, async (client) => {
        client.send(GET);
        await until('the poll waits', () => events$.observed);
        events$.next('x');
        expect(await bodyOf(client)).to.equal('x');
        expect((await client.send(GET).response()).status).to.equal(204);
        expect(events$.observed).to.equal(false);
      });
    });

    it('lets go of its feed when the client leaves, also when it only closes its half', async () => {
      const feed$ = new Subject<string>();
      const ends: string[] = [];
      const poll: Handler = asChannel((channel) => {
        channel.onClose(({ status }) => ends.push(`${channel.request.uri} ${status}`));
        return feed$.subscribe(channel);
      });
      await withRaw(poll, {}, async (a, site) => {
        const b = await site.connect();
        a.send(get('/a'));
        b.send(get('/b'));
        await until('both wait', () => feed$.observers.length === 2);
        a.abort();
        await until('the first has ended', () => ends.length === 1);
        b.finish();
        await until('the second has ended', () => ends.length === 2);
        expect(ends).to.deep.equal(['/a client-close', '/b client-close']);
        expect(feed$.observed).to.equal(false);
      });
    });

    it('tells one event to all that wait', async () => {
      const events$ = new Subject<string>();
      const poll: Handler = asChannel((channel) => events$.subscribe((event) => channel.send(event)));
      await withRaw(poll, {}, async (a, site) => {
        const b = await site.connect();
        a.send(GET);
        b.send(GET);
        await until('both wait', () => events$.observers.length === 2);
        events$.next('x');
        expect([await bodyOf(a), await bodyOf(b)]).to.deep.equal(['x', 'x']);
        b.send(GET);
        await until('one waits', () => events$.observers.length === 1);
        events$.next('y');
        expect(await bodyOf(b)).to.equal('y');
      });
    });
  });

  describe('a graceful stop', () => {
    it('lets what runs finish, and answers nothing behind it', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, {}, async (client, { server }) => {
        client.send(get('/a'), get('/b'));
        await desk.runsAre(1);
        const stopped = server.stop({ timeout: 5_000 });
        desk.answer(0, 'r');
        const replies = await client.rest();
        expect(replies.map((reply) => [reply.body.toString(), valueOf(reply, 'connection')])).to.deep.equal([['r', 'close']]);
        client.finish();
        await stopped;
        expect([desk.runs.length, server.status]).to.deep.equal([1, 'stopped']);
      });
    });

    it('closes who idles at once', async () => {
      await withRaw(hello, {}, async (client, { server }) => {
        expect(await bodyOf(client.send(GET))).to.equal('hello');
        const stopped = server.stop({ timeout: 5_000 });
        expect(await client.ended(1_000)).to.equal('end');
        client.finish();
        await stopped;
        expect(server.status).to.equal('stopped');
      });
    });

    it('tells WebSockets that it goes away', async () => {
      const feed$ = new Subject<string>();
      await FrameSite.with(
        websocket(() => feed$),
        async (frames) => {
          const client = await frames.open();
          feed$.next('a');
          const stopped = frames.site.server.stop({ timeout: 5_000 });
          expect(await client.words(2)).to.deep.equal(['text a', 'close 1001']);
          expect(feed$.observed).to.equal(false);
          client.abort();
          await stopped;
        },
      );
    });

    it('cuts a stream without an end when the time is over', async () => {
      const desk = new Desk();
      await withRaw(desk.handler, {}, async (client, { server }) => {
        client.send(GET);
        await desk.runsAre(1);
        desk.runs[0].reply$.next('a');
        await client.bodyBytes(1);
        await server.stop({ timeout: 50 });
        const { body, isComplete } = await client.cut();
        expect([body.toString(), isComplete, desk.runs[0].isLetGo, server.status]).to.deep.equal(['a', false, true, 'stopped']);
      });
    });

    it('ends a stream that listens for it, whole', async () => {
      const ticks$ = new Subject<string>();
      await withRaw(
        mergeMap((request) => ticks$.pipe(takeUntil(draining(request)))),
        {},
        async (client, { server }) => {
          // prettier-ignore
          client.send(GET);
          await until('somebody listens', () => ticks$.observed);
          ticks$.next('a');
          await client.bodyBytes(1);
          const stopped = server.stop({ timeout: 5_000 });
          expect(await bodyOf(client)).to.equal('a');
          expect(ticks$.observed).to.equal(false);
          client.finish();
          await stopped;
        },
      );
    });
  });

  describe('timeouts', () => {
    it(
      'refuses a head that does not come to its end',
      early(() =>
        withRaw(hello, { headTimeoutMs: 1_000 }, async (client, site) => {
          const reply = await client.send('GET / HTTP/1.1\r\nhost: te').response();
          expect([reply.status, valueOf(reply, 'connection')]).to.deep.equal([408, 'close']);
          expect(await client.ended()).to.equal('end');
          expect(site.codes).to.deep.equal(['RHK_HEAD_TIMEOUT']);
        }),
      ),
    );

    it(
      'closes a connection that idles, without a word',
      early(() =>
        withRaw(hello, { keepAliveTimeoutMs: 1_000 }, async (client, site) => {
          expect(await bodyOf(client.send(GET))).to.equal('hello');
          const { received } = client;
          expect(await client.ended()).to.equal('end');
          expect([client.received, site.codes]).to.deep.equal([received, []]);
        }),
      ),
    );

    it(
      'takes its own time for no fault of the client',
      early(() =>
        withRaw(
          mergeMap(() => timer(2_500).pipe(map(() => 'r'))),
          { headTimeoutMs: 1_000, keepAliveTimeoutMs: 1_000, stallTimeoutMs: 1_000 },
          async (client, site) => {
            expect(await bodyOf(client.send(GET))).to.equal('r');
            expect(site.codes).to.deep.equal([]);
          },
        ),
      ),
    );
  });

  describe('slow loris', () => {
    it(
      'is thrown out head by head, and a good client beside it is served all the time',
      early(() =>
        withRaw(hello, { headTimeoutMs: 1_000 }, async (good, site) => {
          const drips = await Promise.all(Array.from({ length: 20 }, () => site.connect()));
          const stops = drips.map((drip) => repeating(drip.send('GET / HTTP/1.1\r\nhost: test\r\nx: '), 'y', 100));
          try {
            const thrownOut = Promise.all(drips.map((drip) => drip.response()));
            const answers$ = interval(100).pipe(concatMap(() => bodyOf(good.send(GET))), takeUntil(thrownOut), toArray()); // prettier-ignore
            const answers = await firstValueFrom(answers$);
            expect((await thrownOut).every(({ status }) => status === 408)).to.equal(true);
            expect(answers).to.have.length.above(5);
            expect(new Set(answers)).to.deep.equal(new Set(['hello']));
          } finally {
            for (const stop of stops) stop();
          }
        }),
      ),
    );
  });
});

/** Text without an end. */
const endless = function* (): Generator<string> {
  for (;;) yield 'x'.repeat(65_536);
};

const waiting = (gate: ReturnType<typeof admit>, count: number): Promise<void> =>
  until(`${count} requests wait`, () => {
    let now = -1;
    gate.pressure$.subscribe((pressure) => (now = pressure.waiting)).unsubscribe();
    return now === count;
  });

/** Sends a piece every so often: what is sent is the subject of the test, not a wait. */
const repeating = (client: RawClient | FrameClient, piece: string | Buffer, everyMs: number): (() => void) => {
  const subscription = interval(everyMs).subscribe(() => client.send(piece as Buffer)); // each takes its own kind
  return () => subscription.unsubscribe();
};

describe('the marks of the scenarios', () => {
  const NAME = /(describe|it)\(\s*'((?:[^'\\]|\\.)*)'/g;
  const FOLDER = 'marble-tests/scenarios';

  /** Names as `describe: it`; those that `isWanted`, by what stands before them. */
  const namesIn = (source: string, isWanted: (before: string) => boolean): string[] => {
    let group = '';
    return [...source.matchAll(NAME)].flatMap(({ 1: kind, 2: name, index }) => {
      if (kind === 'describe') group = name;
      return kind === 'it' && isWanted(source.slice(0, index)) ? [`${group}: ${name}`] : [];
    });
  };

  it('name what is here, and all that is here', () => {
    const isMarked = (before: string): boolean => /\/\/ also on the wire: spec\/wire\/scenarios\.spec\.ts\n\s*$/.test(before);
    const marked = readdirSync(FOLDER).flatMap((file) => namesIn(readFileSync(`${FOLDER}/${file}`, 'utf8'), isMarked));
    const here = namesIn(readFileSync('spec/wire/scenarios.spec.ts', 'utf8'), () => true).filter((name) => !name.startsWith('the marks'));
    expect(marked).to.have.length.above(20);
    expect(here.sort()).to.deep.equal(marked.sort());
  });
});
