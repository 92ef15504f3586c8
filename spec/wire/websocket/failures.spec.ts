/** What throws ends one WebSocket and becomes one event; the others, and the process, do not notice. */
import { expect } from 'chai';
import { finalize, interval, map, mergeMap, NEVER, of, take, throwError } from 'rxjs';
import { asChannel, type Codec, type Handler, json, websocket } from 'rx-http-kit';
import { binary, close, handshake, ping, text } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { turns, until } from '../../support/raw-client.js';

const fail = (): never => {
  throw new Error('secret');
};

const picky: Codec<string, string> = {
  decode: (message) => (message === 'bad' ? fail() : String(message)),
  encode: (value) => (value === 'unspeakable' ? fail() : value),
};

const badOn = (message: unknown): unknown => (message === 'bad' ? fail() : message);

interface Failure {
  readonly name: string;
  readonly handler: Handler;
  /** What the client sends to make it fail. */
  readonly send: Buffer;
  readonly want: string;
  readonly code: string;
}

const FAILURES: readonly Failure[] = [
  {
    name: 'an operator',
    handler: websocket(map((message) => badOn(message) as string)),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'an inner stream',
    handler: websocket(mergeMap((message) => (message === 'bad' ? throwError(() => new Error('secret')) : of(message)))),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'an operator whose error cannot be shown',
    handler: websocket(mergeMap((message) => (message === 'bad' ? throwError(() => Object.create(null) as unknown) : of(message)))),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'onReceive',
    handler: asChannel({ onReceive: (channel, message) => channel.send(badOn(message) as string) }),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'a listener of the channel',
    handler: asChannel((channel) => channel.onReceive((message) => channel.send(badOn(message) as string))),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'a subscriber of the channel',
    handler: asChannel((channel) => channel.subscribe({ next: (message) => channel.send(badOn(message) as string) })),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'a pipe back into the channel',
    handler: asChannel((channel) => channel.pipe(map((message) => badOn(message) as string)).subscribe(channel)),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'onPing',
    handler: asChannel({ onPing: fail, onReceive: (channel, message) => channel.send(message) }),
    send: ping('x'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'decode of a codec',
    handler: websocket(
      map((message: string) => message),
      { codec: picky },
    ),
    send: text('bad'),
    want: 'close 1007',
    code: 'RHK_BAD_MESSAGE',
  },
  {
    name: 'encode of a codec',
    handler: websocket(
      map((message: string) => message),
      { codec: picky },
    ),
    send: text('unspeakable'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'JSON that is none',
    handler: websocket(
      map((value: unknown) => value),
      { codec: json },
    ),
    send: text('{'),
    want: 'close 1007',
    code: 'RHK_BAD_MESSAGE',
  },
  {
    name: 'JSON that is empty',
    handler: websocket(
      map((value: unknown) => value),
      { codec: json },
    ),
    send: text(''),
    want: 'close 1007',
    code: 'RHK_BAD_MESSAGE',
  },
  {
    name: 'a value that has no JSON',
    handler: websocket(
      map((value: unknown) => (value === 'f' ? () => 0 : value)),
      { codec: json },
    ),
    send: text('"f"'),
    want: 'close 1011',
    code: 'RHK_BAD_REPLY',
  },
  {
    name: 'a message that is none',
    handler: websocket(map((message) => (message === 'bad' ? (5 as never) : message))),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_BAD_REPLY',
  },
  {
    name: 'a close code that is none',
    handler: asChannel((channel) => channel.onReceive((message) => (message === 'bad' ? channel.close(1005) : channel.send(message)))),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
  {
    name: 'a reason that is too long',
    handler: asChannel((channel) =>
      channel.onReceive((message) => (message === 'bad' ? channel.close(1000, 'ä'.repeat(62)) : channel.send(message))),
    ),
    send: text('bad'),
    want: 'close 1011',
    code: 'RHK_HANDLER_FAILED',
  },
];

describe('WebSocket failures', () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => {
    uncaught.push(error);
  };
  let listeners: NodeJS.UncaughtExceptionListener[] = [];

  beforeEach(() => {
    listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', note);
    process.on('unhandledRejection', note);
    uncaught.length = 0;
  });

  afterEach(() => {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(uncaught).to.deep.equal([]);
  });

  for (const { name, handler, send, want, code } of FAILURES) {
    it(`${name}: ${want}, one event, nobody else is touched`, async () => {
      await FrameSite.with(handler, async (own) => {
        const others = await Promise.all([own.open(), own.open()]);
        const client = (await own.open()).send(send, text('"behind"'));
        expect(await client.word()).to.match(name === 'onPing' ? /^pong x$/ : new RegExp(`^${want}$`));
        if (name === 'onPing') expect(await client.word()).to.equal(want);
        client.send(close(1000));
        expect(await client.rest()).to.deep.equal([]);
        for (const other of others) expect(await other.send(text('"fine"')).word()).to.equal('text "fine"');
        expect(own.site.codes).to.deep.equal([code]);
        await turns(5);
      });
    });
  }

  for (const [name, callbacks] of [
    ['onOpen', { onOpen: fail }],
    [
      'init behind a close',
      {
        init: (channel: { close(): boolean }) => {
          channel.close();
        },
        onClose: fail,
      },
    ],
  ] as const) {
    it(`${name} that throws closes with a close frame`, async () => {
      await FrameSite.with(asChannel(callbacks), async (own) => {
        const client = await own.open();
        expect(await client.word()).to.equal(name === 'onOpen' ? 'close 1011' : 'close 1000');
        client.send(close(1000));
        expect(await client.ended()).to.equal('end');
        expect(own.site.codes).to.deep.equal(['RHK_HANDLER_FAILED']);
      });
    });
  }

  for (const [name, handler] of [
    ['onClose', asChannel({ onClose: fail })],
    ['the teardown of a setup', asChannel(() => fail)],
    ['a finalizer of an operator', websocket((messages$) => messages$.pipe(finalize(fail)))],
  ] as const) {
    it(`${name} that throws is one event, and the close is confirmed`, async () => {
      await FrameSite.with(handler, async (own) => {
        const client = (await own.open()).send(close(4000));
        expect(await client.rest()).to.deep.equal(['close 4000']);
        await until('the event is there', () => own.site.codes.length > 0);
        expect(own.site.codes).to.deep.equal(['RHK_HANDLER_FAILED']);
      });
    });
  }

  for (const [name, request] of [
    ['an extension that is malformed', handshake({ 'Sec-WebSocket-Extensions': 'a;' })],
    ['a key that is short', handshake({ 'Sec-WebSocket-Key': 'short' })],
  ] as const) {
    it(`lets go of what an operator has begun, for ${name}`, async () => {
      let running = 0;
      const handler = websocket(() =>
        interval(1_000).pipe(map(String), (source$) => {
          running++;
          return source$.pipe(finalize(() => running--));
        }),
      );
      await FrameSite.with(handler, async (own) => {
        const client = await own.site.connect();
        expect((await client.send(request).response()).status).to.equal(400);
        expect(running).to.equal(0);
      });
    });
  }

  it('lets go of what an operator has begun when what stands in front of it refuses', async () => {
    let running = 0;
    const endpoint = websocket(() => {
      running++;
      return NEVER.pipe(finalize(() => running--));
    });
    const handler: Handler = (requests$) =>
      endpoint(requests$).pipe(
        mergeMap(() => of({ status: 403, body: 'no' })),
        take(1),
      );
    await FrameSite.with(handler, async (own) => {
      const client = await own.site.connect();
      expect((await client.send(handshake()).response()).status).to.equal(403);
      expect(await client.ended()).to.equal('end');
      await until('it was let go', () => running === 0);
    });
  });

  it('gives a request one channel, ever', async () => {
    const one = asChannel((channel) => {
      channel.onReceive((message) => channel.send(message));
    });
    await FrameSite.with(
      (requests$) => requests$.pipe(mergeMap((request) => of(request, request).pipe(one))),
      async (own) => {
        const client = await own.site.connect();
        client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        expect((await client.response()).status).to.equal(500);
        expect(own.site.codes).to.deep.equal(['RHK_CHANNEL_TAKEN']);
      },
    );
  });

  it('survives a client of JSON that sends bytes', async () => {
    await FrameSite.with(
      websocket(
        map((value: unknown) => value),
        { codec: json },
      ),
      async (own) => {
        const client = (await own.open()).send(binary('{"a":1}'));
        expect(await client.word()).to.equal('text {"a":1}');
      },
    );
  });
});
