import { expect } from 'chai';
import { interval, map, mergeMap, NEVER, share, Subject } from 'rxjs';
import { OptionError } from 'rx-http-kit';
import { get, head, marbles, type MarbleHelpers, post, replay, inject } from 'rx-http-kit/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a marble test that must fail says. */
const failureOf = (body: (helpers: MarbleHelpers) => unknown, options?: Parameters<typeof marbles>[1]): Error => {
  try {
    marbles(body as () => void, options);
  } catch (error) {
    return error as Error; // nothing else is thrown
  }
  throw new Error('the test passed');
};

describe('marbles', () => {
  it('refuses a test that waits: what it expects behind an await would never be compared', async () => {
    const error = failureOf(async ({ cold, expectObservable }) => {
      await Promise.resolve();
      expectObservable(cold('a')).toBe('b');
    });
    expect(error.message).to.include('must be synchronous');
    await Promise.resolve(); // what it does afterwards, or how it fails, is nobody's any more
    expect(failureOf(() => Promise.reject(new Error('late'))).message).to.include('must be synchronous');
  });

  it('refuses an expectation that says nothing, and tells where it stands', () => {
    const body = ({ network, expectReply }: MarbleHelpers): void => {
      const client = network.server(map(() => 'x')).client({ sends: 'r', values: { r: get('/') } });
      expectReply(client);
    };
    const { message, stack } = failureOf(body);
    expect(message).to.include('expectReply(…) without toBe');
    expect(String(stack)).to.include('marbles.spec');
    expect(failureOf(({ cold, expectObservable }) => expectObservable(cold('a')) as unknown as void).message).to.include(
      'expectObservable(…) without toBe',
    );
    expect(
      failureOf(({ cold, expectSubscriptions }) => expectSubscriptions(cold('a').subscriptions) as unknown as void).message,
    ).to.include('expectSubscriptions(…) without toBe');
  });

  it('says which expectation differs, and where it stands', () => {
    const { message, stack } = failureOf(({ cold, network, expectReply, expectHeads, expectSubscriptions }) => {
      const source$ = cold('--a|');
      const client = network.server(mergeMap(() => source$)).client({ sends: 'r', values: { r: get('/') } });
      expectSubscriptions(source$.subscriptions).toBe('^--!');
      expectHeads(client).toBe('--h', { h: '200 OK' });
      expectReply(client).toBe('--b|'); // the wrong one
    });
    expect(message).to.match(/^expectReply: frames differ/);
    const line = /marbles\.spec\.[jt]s:(\d+)/.exec(String(stack))?.[1];
    expect(Number(line)).to.be.above(40); // of this file, not of the library
    expect(failureOf(({ cold, expectSubscriptions }) => expectSubscriptions(cold('a').subscriptions).toBe('^')).message).to.match(
      /^expectSubscriptions: subscriptions differ/,
    );
    expect(failureOf(({ cold, scheduler }) => scheduler.expectObservable(cold('a')).toBe('b')).message).to.match(
      /^expectObservable: frames/,
    );
  });

  it('names the right one when some are compared earlier, and `toEqual` too', () => {
    const { message } = failureOf(({ cold, flush, expectObservable, expectSubscriptions }) => {
      const a$ = cold('a');
      const late = expectObservable(a$);
      expectSubscriptions(a$.subscriptions).toBe('^');
      flush();
      late.toBe('a');
      expectObservable(cold('a-b')).toEqual(cold('a-c'));
    });
    expect(message).to.match(/^expectObservable: frames differ/);
  });

  it('refuses acts that stand behind its horizon: they would never happen', () => {
    const late = failureOf(({ network, expectReply }) => {
      const client = network.server(map(() => 'x')).client({ sends: '90m r', values: { r: get('/') } });
      expectReply(client).toBe('');
    });
    expect(late).to.be.instanceOf(OptionError).with.property('message').that.includes('horizonMs');
    expect(failureOf(({ at }) => at('--a', () => {}), { horizonMs: 1 })).to.be.instanceOf(OptionError);
    marbles(({ at }) => at('90m a', () => {}), { horizonMs: 6_000_000 });
  });

  it('refuses marbles that mean nothing', () => {
    for (const script of [{ vanishes: '--r' }, { sends: '--^a' }, { sends: 'a|b' }, { connects: '' }]) {
      expect(
        failureOf(({ network }) => network.server(() => NEVER).client(script)),
        JSON.stringify(script),
      ).to.be.instanceOf(OptionError);
    }
  });

  it('keeps what looks like a date in a body, and in other fields', () => {
    marbles(({ network, expectBytes }) => {
      const body = 'date: today\r\nupdate: no\r\n';
      const server = network.server(map(() => ({ headers: { 'x-update': 'yes', 'content-type': 'text/plain' }, body })));
      const client = server.client({ sends: 'r', values: { r: get('/') } });
      const head = 'HTTP/1.1 200 OK\r\nx-update: yes\r\ncontent-type: text/plain\r\ncontent-length: 25\r\n\r\n';
      expectBytes(client).toBe('a 75999ms |', { a: head + body }); // idle, it is closed
    });
  });

  it('knows which requests were HEAD, however they are cut and whatever bodies say', () => {
    const first = head('/');
    marbles(({ network, expectReplies }) => {
      const client = network.server(map(({ method }) => method)).client({
        sends: 'abcd',
        values: { a: first.subarray(0, 3), b: first.subarray(3), c: post('/', 'HEAD / HTTP/1.1\r\n'), d: get('/') },
      });
      expectReplies(client).toBe('-abc', { a: '200 ', b: '200 POST', c: '200 GET' });
    });
  });

  it('throws what an action throws, and ends with it', () => {
    const error = failureOf(({ at }) =>
      at('-a', () => {
        throw new Error('in an action');
      }),
    );
    expect(error.message).to.equal('in an action');
    let ticks = 0;
    marbles(
      ({ cold, expectObservable }) => {
        interval(1_000).subscribe(() => ticks++);
        expectObservable(cold('a')).toBe('a');
      },
      { horizonMs: 5_000 },
    );
    expect(ticks).to.equal(5);
  });

  it('leaves nothing behind: what still runs at its end is let go, whether it passes or not', () => {
    const prices$ = new Subject<string>(); // of the application: it outlives a test
    const shared$ = prices$.pipe(share());
    const body = ({ network, cold, expectObservable }: MarbleHelpers, wanted: string): void => {
      for (let i = 0; i < 2; i++) {
        const server = network.server(mergeMap(() => shared$));
        server.client({ sends: 'r', values: { r: get('/') } });
        server.client({ sends: 'r', values: { r: get('/') }, vanishes: '-x', reads: '-' });
      }
      const connections$ = network.listen();
      connections$.client({ sends: 'r', values: { r: get('/') } });
      connections$
        .pipe(mergeMap(({ requests$ }) => requests$.pipe(mergeMap((exchange) => exchange.answer(mergeMap(() => shared$))))))
        .subscribe();
      expectObservable(cold('a')).toBe(wanted);
    };
    let observed = 0;
    marbles((helpers) => {
      body(helpers, 'a');
      helpers.at('--a', () => (observed = Number(prices$.observed)));
    });
    expect([observed, prices$.observed]).to.deep.equal([1, false]);
    failureOf((helpers) => body(helpers, 'b'));
    expect(prices$.observed).to.equal(false);
  });

  it('shows values that JSON shows alike as different ones', () => {
    const pairs: readonly (readonly [unknown, unknown])[] = [
      [{ a: 1, b: undefined }, { a: 1 }],
      [NaN, null],
      [new Map([[1, 2]]), new Map([[1, 3]])],
      [new Date(0), new Date(0).toJSON()],
      [1n, '1'],
      [Object.assign(new Error('x'), { code: 'A' }), Object.assign(new Error('x'), { code: 'B' })],
    ];
    for (const [was, wanted] of pairs) {
      const { message } = failureOf(({ cold, expectObservable }) => expectObservable(cold('v', { v: was })).toBe('w', { w: wanted }));
      expect(message, String(was)).to.include('\n- 0 ms').and.to.include('\n+ 0 ms');
    }
  });

  it('plays back a client that asked with HEAD', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-head-'));
    const file = join(folder, 'head.ndjson');
    const reply = (date: string): string =>
      `HTTP/1.1 200 OK\r\ndate: ${date}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 1\r\n\r\n`;
    const lines = [
      { time: 0, connection: 1, from: 'client', bytes: 'HE' },
      { time: 1, connection: 1, from: 'client', bytes: head('/').toString('latin1').slice(2) },
      { time: 1, connection: 1, from: 'server', bytes: reply('Thu, 01 Jan 2026 00:00:00 GMT') },
      { time: 2, connection: 1, from: 'client', bytes: get('/').toString('latin1') },
      { time: 2, connection: 1, from: 'server', bytes: `${reply('Thu, 01 Jan 2026 00:00:01 GMT')}x` },
    ];
    await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
    const [recorded] = replay(file);
    await rm(folder, { recursive: true });
    marbles(({ network, expectReplayed }) => expectReplayed(network.server(map(() => 'x')).replay(recorded), recorded));
    expect(
      failureOf(({ network, expectReplayed }) => expectReplayed(network.server(map(() => 'y')).replay(recorded), recorded)).message,
    ).to.match(/^expectReplayed: frames differ/);
  });
});

describe('inject', () => {
  it('asks nothing of the handler before somebody wants its reply', () => {
    let asked = 0;
    const injection = inject((requests$) => (asked++, requests$.pipe(map(() => 'x'))), '/');
    expect(asked).to.equal(0);
    injection.reply$.subscribe();
    injection.reply$.subscribe();
    expect(asked).to.equal(2);
  });
});
