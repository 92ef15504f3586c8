/** `asChannel` on plain HTTP: streaming and long polling over real sockets. */
import { expect } from 'chai';
import { interval, map, mergeMap, Observable, of, Subject, take, tap } from 'rxjs';
import { asChannel, type Channel, type ChannelClose, type ChannelOutput, encodeOnce, type Handler, json, type Message } from 'rx-http-kit';
import { handshake } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { turns, until } from '../../support/raw-client.js';
import { type RawResponse, valueOf } from '../../support/response-reader.js';

type Opened = Channel<Message, ChannelOutput>;

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const KEEP = { close: false };

/** One request to `handler`, on a connection that must be open still behind the reply. */
const replyOf = async (handler: Handler, request: string = GET): Promise<RawResponse> => {
  let found: RawResponse | undefined;
  await FrameSite.with(handler, async ({ site }) => {
    const client = await site.connect();
    const method = request.slice(0, request.indexOf(' '));
    found = await client.send(request).response(method);
    expect((await client.send(request).response(method)).status, 'the second reply on one connection').to.equal(found.status);
    expect(site.failures).to.deep.equal([]);
  });
  return found as RawResponse;
};

interface ReplyCase {
  readonly name: string;
  readonly setup: (channel: Opened) => void;
  readonly status?: number;
  readonly body: string;
  readonly framing: 'length' | 'chunked' | 'none';
  readonly fields?: Readonly<Record<string, string>>;
}

const REPLIES: readonly ReplyCase[] = [
  {
    name: 'one text',
    setup: (channel) => void channel.send('hello'),
    body: 'hello',
    framing: 'length',
    fields: { 'content-type': 'text/plain; charset=utf-8' },
  },
  {
    name: 'one response',
    setup: (channel) => void channel.send({ status: 201, headers: { 'x-a': 'b' }, body: 'made' }),
    status: 201,
    body: 'made',
    framing: 'length',
    fields: { 'x-a': 'b' },
  },
  {
    name: 'bytes',
    setup: (channel) => void channel.send(Buffer.from('bytes')),
    body: 'bytes',
    framing: 'length',
    fields: { 'content-type': 'application/octet-stream' },
  },
  { name: 'a message encoded once', setup: (channel) => void channel.send(encodeOnce('once')), body: 'once', framing: 'length' },
  { name: 'status alone', setup: (channel) => void channel.send({ status: 204 }), status: 204, body: '', framing: 'none' },
  { name: 'a close without a word', setup: (channel) => void channel.close(), body: '', framing: 'none' },
  { name: 'complete without a word', setup: (channel) => channel.complete(), body: '', framing: 'none' },
  { name: 'next and complete in one turn', setup: (channel) => of('a').subscribe(channel as never), body: 'a', framing: 'length' },
  {
    name: 'two sends in one turn',
    setup: (channel) => {
      channel.send('a', KEEP);
      channel.send('b');
    },
    body: 'ab',
    framing: 'chunked',
  },
  { name: 'a send a turn later', setup: (channel) => void turns(2).then(() => channel.send('late')), body: 'late', framing: 'length' },
  {
    name: 'a head first, the body in later turns',
    setup: (channel) => {
      channel.send({ status: 202, headers: { 'x-a': '1' } }, KEEP);
      void turns(2)
        .then(() => channel.send('b', KEEP))
        .then(() => turns(2))
        .then(() => channel.send('c'));
    },
    status: 202,
    body: 'bc',
    framing: 'chunked',
    fields: { 'x-a': '1' },
  },
  {
    name: 'later responses, of which the body counts',
    setup: (channel) => {
      channel.send({ status: 203, body: 'a' }, KEEP);
      channel.send({ status: 500, headers: { 'x-no': '1' }, body: 'b' });
    },
    status: 203,
    body: 'ab',
    framing: 'chunked',
  },
  {
    name: 'sends behind the end',
    setup: (channel) => {
      channel.send('a');
      channel.send('b');
      channel.next('c');
    },
    body: 'a',
    framing: 'length',
  },
  {
    name: 'closes behind the end',
    setup: (channel) => {
      channel.send('a');
      channel.close();
      channel.close();
      channel.complete();
    },
    body: 'a',
    framing: 'length',
  },
  {
    name: 'a feed',
    setup: (channel) =>
      interval(2)
        .pipe(
          take(5),
          map((n) => `${n};`),
        )
        .subscribe(channel as never),
    body: '0;1;2;3;4;',
    framing: 'chunked',
  },
  {
    name: 'a body that is a source',
    setup: (channel) =>
      void channel.send({
        body: (function* () {
          yield 'x';
          yield 'y';
        })(),
      }),
    body: 'xy',
    framing: 'chunked',
  },
];

/** A body that sends on the channel that it is sent on. */
const talkative = (channel: Opened): Observable<string> =>
  new Observable((subscriber) => {
    subscriber.next('x');
    channel.send('z', KEEP);
    subscriber.next('y');
    subscriber.complete();
  });

describe('asChannel on HTTP', () => {
  it('puts what is sent while a body is being subscribed behind that body', async () => {
    const setup = (channel: Opened): void => {
      channel.send('(', KEEP);
      void Promise.resolve()
        .then(() => turns(5))
        .then(() => channel.send({ body: talkative(channel) }, KEEP))
        .then(() => channel.send(')'));
    };
    expect((await replyOf(asChannel(setup))).body.toString()).to.equal('(xyz)');
    const atOnce = (channel: Opened): void => {
      channel.send({ body: talkative(channel) }, KEEP);
      channel.send('!');
    };
    expect((await replyOf(asChannel(atOnce))).body.toString()).to.equal('xyz!');
  });

  it('takes nothing more while it is being closed without a word', async () => {
    const taken: unknown[] = [];
    let channel: Opened | undefined;
    const handler: Handler = (requests$) =>
      requests$.pipe(
        asChannel((opened) => {
          channel = opened;
          taken.push(opened.close());
        }),
        tap(() => taken.push(channel?.send('late'), channel?.counts.offered)),
      );
    await replyOf(handler);
    expect(taken).to.deep.equal([false, 0, true, false, 0, true]); // of two requests
  });

  it('loses nothing of what is sent while its first message is on its way through operators', async () => {
    let channel: Opened | undefined;
    const handler: Handler = (requests$) =>
      requests$.pipe(
        asChannel((opened) => {
          channel = opened;
          opened.send('a', KEEP);
          opened.send('c');
        }),
        tap(() => channel?.send('b', KEEP)),
      );
    expect((await replyOf(handler)).body.toString()).to.equal('abc');
    expect(channel?.counts).to.deep.equal({ offered: 3, sent: 3, dropped: 0, waiting: 0, waitingBytes: 0 });
  });

  for (const { name, setup, status = 200, body, framing, fields = {} } of REPLIES) {
    it(`${name}: ${status} ${JSON.stringify(body)}`, async () => {
      const response = await replyOf(asChannel((channel) => setup(channel)));
      expect(response.status).to.equal(status);
      expect(response.body.toString()).to.equal(body);
      if (framing === 'length') expect(valueOf(response, 'content-length')).to.equal(`${body.length}`);
      if (framing === 'chunked') expect(response.framing).to.equal('chunked');
      for (const [field, value] of Object.entries(fields)) expect(valueOf(response, field)).to.equal(value);
    });
  }

  it('answers in values, with the content type of its codec', async () => {
    const response = await replyOf(
      asChannel<unknown, unknown>(
        (channel) => {
          channel.send({ a: [1] });
        },
        { codec: json },
      ),
    );
    expect(response.body.toString()).to.equal('{"a":[1]}');
    expect(valueOf(response, 'content-type')).to.equal('application/json');
  });

  it('takes an upgrade to another protocol for an ordinary request', async () => {
    const response = await replyOf(
      asChannel((channel) => {
        channel.send(`${channel.isWebSocket}`);
      }),
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n',
    );
    expect(response.body.toString()).to.equal('false');
  });

  it('answers HEAD with the head', async () => {
    const response = await replyOf(
      asChannel((channel) => {
        channel.send('hello');
      }),
      'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    expect(valueOf(response, 'content-length')).to.equal('5');
  });

  it('returns what became of each send', async () => {
    const results: unknown[] = [];
    await replyOf(
      asChannel((channel) => {
        results.length = 0;
        results.push(channel.isOpen, channel.send('a', KEEP), channel.send('b'), channel.isOpen, channel.send('c'), channel.close());
      }),
    );
    expect(results).to.deep.equal([true, true, true, false, false, false]);
  });

  const listening = (opened: Opened[], ends: ChannelClose[]): Handler =>
    asChannel((channel) => {
      opened.push(channel);
      channel.onClose((end) => ends.push(end));
    });

  for (const [name, begin, leave] of [
    ['FIN, before a word was said', false, (client: { finish(): unknown }) => client.finish()],
    ['FIN, in a stream', true, (client: { finish(): unknown }) => client.finish()],
    ['a reset, before a word was said', false, (client: { abort(): unknown }) => client.abort()],
    ['a reset, in a stream', true, (client: { abort(): unknown }) => client.abort()],
  ] as const) {
    it(`is told of ${name}: client-close`, async () => {
      const opened: Opened[] = [];
      const ends: ChannelClose[] = [];
      await FrameSite.with(listening(opened, ends), async ({ site }) => {
        const client = (await site.connect()).send(GET);
        await until('it is open', () => opened.length === 1);
        if (begin) {
          opened[0].send('begun', KEEP);
          await client.bodyBytes(5);
        }
        leave(client as never);
        await until('it was told', () => ends.length === 1);
        expect(ends).to.deep.equal([{ status: 'client-close', code: undefined, reason: '', by: 'client' }]);
        expect([opened[0].isOpen, opened[0].send('x'), opened[0].close()]).to.deep.equal([false, false, false]);
        expect(site.failures).to.deep.equal([]);
      });
    });
  }

  for (const [name, end] of [
    ['send', (channel: Opened) => void channel.send('x')],
    ['close', (channel: Opened) => void channel.close()],
    ['complete', (channel: Opened) => channel.complete()],
  ] as const) {
    it(`is told of ${name}: server-close, and once`, async () => {
      const opened: Opened[] = [];
      const ends: ChannelClose[] = [];
      await FrameSite.with(listening(opened, ends), async ({ site }) => {
        const client = (await site.connect()).send(GET);
        await until('it is open', () => opened.length === 1);
        end(opened[0]);
        await client.response();
        client.abort();
        await site.letGo(0);
        expect(ends).to.deep.equal([{ status: 'server-close', code: undefined, reason: '', by: 'server' }]);
      });
    });
  }

  it('long poll: many wait for one word, each gets it once', async () => {
    const news$ = new Subject<string>();
    let waiting = 0;
    await FrameSite.with(
      asChannel((channel) => {
        waiting++;
        return news$.subscribe((word) => channel.send(word));
      }),
      async ({ site }) => {
        const clients = await Promise.all(Array.from({ length: 50 }, () => site.connect()));
        for (let round = 0; round < 3; round++) {
          for (const client of clients) client.send(GET);
          await until('all wait', () => waiting === 50 * (round + 1));
          news$.next(`news ${round}`);
          for (const client of clients) expect((await client.response()).body.toString()).to.equal(`news ${round}`);
          await until('nobody listens', () => !news$.observed);
        }
      },
    );
  });

  it('an error before the head is a 500, behind it a cut; each one event', async () => {
    const opened: Opened[] = [];
    const ends: ChannelClose[] = [];
    await FrameSite.with(listening(opened, ends), async ({ site }) => {
      const first = (await site.connect()).send(GET);
      await until('it is open', () => opened.length === 1);
      opened[0].error(new Error('secret'));
      const response = await first.response();
      expect(response.status).to.equal(500);
      expect(response.body.toString()).to.not.include('secret');
      const second = (await site.connect()).send(GET);
      await until('it is open', () => opened.length === 2);
      opened[1].send('begun', KEEP);
      await second.bodyBytes(5);
      opened[1].error(new Error('secret'));
      expect((await second.cut()).isComplete).to.equal(false);
      expect(ends.map(({ status }) => status)).to.deep.equal(['server-close', 'server-close']);
      expect(site.codes).to.deep.equal(['RHK_HANDLER_FAILED', 'RHK_HANDLER_FAILED']);
    });
  });

  it('a value that its codec cannot encode is a 500 and an event, for that channel only', async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const results: boolean[] = [];
    const handler = asChannel<unknown, unknown>(
      (channel, request) => {
        void turns(1).then(() => results.push(channel.send(request.uri === '/bad' ? cyclic : 'fine')));
      },
      { codec: json },
    );
    await FrameSite.with(handler, async ({ site }) => {
      const client = await site.connect();
      expect((await client.send('GET /bad HTTP/1.1\r\nHost: x\r\n\r\n').response()).status).to.equal(500);
      expect((await client.send(GET).response()).body.toString()).to.equal('"fine"');
      expect(results).to.deep.equal([false, true]);
      expect(site.codes).to.deep.equal(['RHK_HANDLER_FAILED']);
    });
  });

  it('a client that does not read is cut when maxBufferedBytes is passed, and send says so', async () => {
    const ends: ChannelClose[] = [];
    let sent = 0;
    const handler = asChannel((channel) => {
      channel.onClose((end) => ends.push(end));
      channel.send('begin', KEEP);
      const feed = interval(0).subscribe(() => {
        while (sent < 100_000 && channel.send(Buffer.alloc(20_000), KEEP)) if (++sent % 50 === 0) return;
      });
      return feed;
    });
    await FrameSite.with(
      handler,
      async ({ site }) => {
        const client = (await site.connect()).pause().send(GET);
        await until('it was cut', () => ends.length === 1);
        expect(ends[0].status).to.equal('server-close');
        expect(sent).to.be.below(2_000);
        expect(site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        client.leave();
      },
      { maxBufferedBytes: 200_000 },
    );
  });

  it('is told that the server stops', async () => {
    const opened: Opened[] = [];
    const ends: ChannelClose[] = [];
    const own = await FrameSite.start(listening(opened, ends));
    (await own.site.connect()).send(GET);
    await until('it is open', () => opened.length === 1);
    await own.site.server.stop({ timeout: 20 });
    expect(ends.map(({ status }) => status)).to.deep.equal(['server-close']);
    await own.stop();
  });

  it('the same handler serves frames and polls', async () => {
    const chat$ = new Subject<string>();
    const handler = asChannel((channel) => {
      channel.onReceive((message) => chat$.next(String(message)));
      return chat$.subscribe((word) => channel.send(word));
    });
    await FrameSite.with(handler, async (own) => {
      const poll = (await own.site.connect()).send(GET);
      const socket = await own.open();
      await until('both listen', () => (chat$ as unknown as { observers: readonly unknown[] }).observers.length === 2);
      socket.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
      expect(await socket.word()).to.equal('text hi');
      expect((await poll.response()).body.toString()).to.equal('hi');
    });
  });

  it('gives a request one channel, whichever way it is asked for', async () => {
    const one = asChannel((channel) => {
      channel.send('first', KEEP);
    });
    await FrameSite.with(
      (requests$) => requests$.pipe(mergeMap((request) => of(request, request).pipe(one))),
      async (own) => {
        const client = (await own.site.connect()).send(GET);
        expect((await client.response()).status).to.equal(500);
        const socket = (await own.site.connect()).send(handshake());
        await socket.cut(2_000).catch(() => undefined);
        await until('two events', () => own.site.codes.length === 2);
        expect(own.site.codes).to.deep.equal(['RHK_CHANNEL_TAKEN', 'RHK_CHANNEL_TAKEN']);
      },
    );
  });
});
