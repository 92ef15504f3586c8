/** How WebSockets live and end on real sockets: who is told what, when, and what a slow or a dead client costs. */
import { expect } from 'chai';
import {
  concat,
  concatMap,
  defer,
  delay,
  EMPTY,
  endWith,
  finalize,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  Subject,
  take,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { asChannel, type Channel, type ChannelClose, encodeOnce, type Message, websocket } from 'rx-http-kit';
import { close, frame, ping, pong, text, wordOf } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { turns, until } from '../../support/raw-client.js';

/** Notes how every channel ended. */
class Notes {
  readonly ends: ChannelClose[] = [];
  readonly channels: Channel<Message, unknown>[] = [];

  readonly watch = (channel: Channel<Message, never> | Channel<Message, any>): void => {
    this.channels.push(channel);
    channel.onClose((end) => this.ends.push(end));
  };

  get words(): readonly string[] {
    return this.ends.map(({ status, code, reason, by }) => `${status} ${code} ${by}${reason === '' ? '' : ` ${reason}`}`);
  }

  async end(count: number = 1): Promise<readonly string[]> {
    await until(`${count} channels have closed`, () => this.ends.length >= count);
    return this.words;
  }
}

const echoing = (notes: Notes, options = {}) =>
  asChannel((channel) => {
    notes.watch(channel);
    channel.onReceive((message) => channel.send(message));
  }, options);

describe('WebSocket lifecycle', () => {
  for (const [name, send, word] of [
    ['1000', close(1000), 'normal 1000 client'],
    ['1001', close(1001, 'leaving'), 'going-away 1001 client leaving'],
    ['1002', close(1002), 'protocol-error 1002 client'],
    ['1003', close(1003), 'unsupported 1003 client'],
    ['4000', close(4000, 'own'), 'unknown 4000 client own'],
    ['no code', close(), 'unknown 1005 client'],
    ['a broken frame', frame(5), 'server-close 1002 server'],
    ['bad text', text(Buffer.from([0xff])), 'server-close 1007 server'],
    ['too much', text('', { announces: 0x7fff_ffffn, lengthOctets: 8 }), 'server-close 1009 server'],
  ] as const) {
    it(`tells the channel of ${name}: ${word}`, async () => {
      const notes = new Notes();
      await FrameSite.with(echoing(notes), async (own) => {
        const client = (await own.open()).send(send);
        expect(await notes.end()).to.deep.equal([word]);
        await client.rest();
      });
    });
  }

  for (const [name, leave] of [
    ['FIN', (client: { finish(): unknown }) => client.finish()],
    ['a reset', (client: { abort(): unknown }) => client.abort()],
  ] as const) {
    it(`is told of ${name} without a close frame: 1006`, async () => {
      const notes = new Notes();
      await FrameSite.with(echoing(notes), async (own) => {
        const client = (await own.open()).send(text('x'));
        expect(await client.word()).to.equal('text x');
        leave(client as never);
        expect(await notes.end()).to.deep.equal(['unknown 1006 client']);
      });
    });
  }

  it('tells late listeners too, and only once', async () => {
    const notes = new Notes();
    await FrameSite.with(echoing(notes), async (own) => {
      await (await own.open()).send(close(4001, 'x')).rest();
      await notes.end();
      const [channel] = notes.channels;
      const told: string[] = [];
      channel.onClose(({ code }) => told.push(`late ${code}`));
      channel.closed$.subscribe({ next: ({ code }) => told.push(`stream ${code}`), complete: () => told.push('complete') });
      channel.subscribe({ complete: () => told.push('messages complete') });
      expect(told).to.deep.equal(['late 4001', 'stream 4001', 'complete', 'messages complete']);
      expect(channel.isOpen).to.equal(false);
      expect(channel.close()).to.equal(false);
      expect(channel.send('x')).to.equal(false);
      expect(notes.ends.length).to.equal(1);
    });
  });

  it('confirms with FIN behind the close frames of both', async () => {
    await FrameSite.with(
      asChannel((channel) => channel.onReceive(() => channel.close(3000, 'bye'))),
      async (own) => {
        const client = (await own.open()).send(text('x'));
        expect(await client.word()).to.equal('close 3000 bye');
        client.send(text('late'), ping('late'), close(3000));
        expect(await client.rest()).to.deep.equal([]);
      },
    );
  });

  it('is closed once: by whoever was first', async () => {
    const results: boolean[] = [];
    await FrameSite.with(
      asChannel((channel) => channel.onReceive(() => results.push(channel.close(4001), channel.close(4002), channel.send('x')))),
      async (own) => {
        const client = (await own.open()).send(text('x'), close(1000));
        expect(await client.rest()).to.deep.equal(['close 4001']);
        expect(results).to.deep.equal([true, false, false]);
      },
    );
  });

  for (const [name, handler, want] of [
    [
      'sends before the 101',
      asChannel((channel) => {
        channel.send('one');
        channel.send('two');
      }),
      ['text one', 'text two', 'close 1000'],
    ],
    [
      'sends and closes before the 101',
      asChannel((channel) => {
        channel.send('one');
        channel.close(4000, 'x');
      }),
      ['text one', 'close 4000 x'],
    ],
    [
      'sends with close before the 101',
      asChannel((channel) => {
        channel.send('one', { close: true });
      }),
      ['text one', 'close 1000'],
    ],
    [
      'sends in onOpen',
      asChannel({
        onOpen: (channel) => {
          channel.send('one');
          channel.close();
        },
      }),
      ['text one', 'close 1000'],
    ],
    ['completes at once', websocket(() => of('a', 'b')), ['text a', 'text b', 'close 1000']],
    ['is empty', websocket(() => EMPTY), ['close 1000']],
    ['completes later', websocket(() => timer(5).pipe(map(() => 'late'))), ['text late', 'close 1000']],
    ['fails at once', websocket(() => throwError(() => new Error('secret'))), ['close 1011']],
    [
      'fails later',
      websocket(() => concat(of('a'), timer(5).pipe(mergeMap(() => throwError(() => new Error('secret')))))),
      ['text a', 'close 1011'],
    ],
    ['sends bytes', websocket(() => of(Buffer.from([1, 2]), new Uint8Array([3]))), ['binary 0102', 'binary 03', 'close 1000']],
    ['sends empty messages', websocket(() => of('', Buffer.alloc(0))), ['text ', 'binary ', 'close 1000']],
    [
      'sends what is encoded once',
      websocket(() => of(encodeOnce('é'), encodeOnce('a'), encodeOnce(Buffer.from([9])))),
      ['text é', 'text a', 'binary 09', 'close 1000'],
    ],
    [
      'sends what is long and encoded once',
      websocket(() => of(encodeOnce('x'.repeat(1_024)), encodeOnce('é'.repeat(40_000)))),
      [wordOf('text', 'x'.repeat(1_024)), wordOf('text', 'é'.repeat(40_000)), 'close 1000'],
    ],
    ['sends large messages', websocket(() => of('x'.repeat(199), 'ab')), [`text ${'x'.repeat(199)}`, 'text ab', 'close 1000']],
  ] as const) {
    it(`an endpoint that ${name}: ${want.join(', ').slice(0, 60)}`, async () => {
      await FrameSite.with(handler, async (own) => {
        const client = await own.open();
        if (name === 'sends before the 101') client.send(close(1000));
        else void client.frames;
        const words = await client.words(want.length);
        expect(words).to.deep.equal(want);
        client.send(close(1000));
        expect(await client.ended()).to.equal('end');
      });
    });
  }

  describe('what was said before a close is answered before it', () => {
    for (const [name, operator] of [
      ['at once', map((message: Message) => message)],
      ['a turn later', concatMap((message: Message) => defer(() => turns(1)).pipe(map(() => message)))],
      ['20 ms later', concatMap((message: Message) => of(message).pipe(delay(20)))],
    ] as const) {
      it(name, async () => {
        await FrameSite.with(websocket(operator), async (own) => {
          const client = (await own.open()).send(text('a'), text('b'), close(4000, 'x'));
          expect(await client.rest()).to.deep.equal(['text a', 'text b', 'close 4000 x']);
        });
      });
    }

    it('also to a client that has sent FIN behind it', async () => {
      await FrameSite.with(websocket(concatMap((message: Message) => of(message).pipe(delay(20)))), async (own) => {
        const client = (await own.open()).send(text('a'), close(1000)).finish();
        expect(await client.rest()).to.deep.equal(['text a', 'close 1000']);
      });
    });

    it('and where the operator never ends, the close is confirmed within two seconds', async () => {
      const released: string[] = [];
      await FrameSite.with(
        websocket((messages$) => merge(messages$, NEVER).pipe(finalize(() => released.push('let go'))), { closeTimeoutMs: 60_000 }),
        async (own) => {
          const client = (await own.open()).send(text('a'), close(4000, 'x'));
          expect(await client.rest(3_500)).to.deep.equal(['text a', 'close 4000 x']);
          expect(released).to.deep.equal(['let go']);
        },
      );
    });

    it('and an operator that says things by itself is closed at once', async () => {
      await FrameSite.with(
        websocket(() => interval(60_000).pipe(map(String))),
        async (own) => {
          expect(await (await own.open()).send(close(1000)).rest(900)).to.deep.equal(['close 1000']);
        },
      );
    });
  });

  describe('time', () => {
    it('cuts dead clients, keeps live ones, and tells channels; closes those that do not confirm', async () => {
      const notes = new Notes();
      const megabyte = Buffer.alloc(1_048_576);
      const handler = asChannel(
        (channel, request) => {
          notes.watch(channel);
          if (request.uri === '/slow') for (let index = 0; index < 150; index++) channel.send(megabyte);
          if (request.uri !== '/mute') channel.onReceive((message) => (message === 'bye' ? channel.close(4000) : channel.send(message)));
        },
        { heartbeatMs: 1_000, closeTimeoutMs: 1_000, maxBufferedBytes: 200_000_000 },
      );
      await FrameSite.with(handler, async (own) => {
        const dead = await own.open();
        const ponging = await own.open();
        const dripping = await own.open();
        const stubborn = (await own.open()).send(text('bye'));
        const mute = (await own.open({ path: '/mute' })).send(text('nobody reads this'));
        const slow = (await own.open({ path: '/slow' })).pause();
        const half = text('x'.repeat(100));
        let at = 0;
        const drip = setInterval(() => {
          dripping.send(half.subarray(at, ++at)); // never a whole frame
          slow.resume();
          setImmediate(() => slow.pause()); // takes a little, says nothing
        }, 300);
        const beat = (async () => {
          for (;;) if ((await ponging.word()) === 'ping ') ponging.send(pong());
        })().catch((error: unknown) => error);
        try {
          expect(await dead.rest(8_000)).to.deep.equal(['ping ']);
          expect(await stubborn.rest(8_000)).to.deep.equal(['close 4000']);
          await until('two channels have ended', () => notes.ends.length === 2);
          expect([...notes.words].sort()).to.deep.equal(['server-close 4000 server', 'unknown 1006 client']);
          expect([ponging, dripping, mute, slow].map(({ hasEnded }) => hasEnded)).to.deep.equal([false, false, false, false]);
          const ended = new Set(notes.ends);
          const second = await own.open(); // as long again: those that live outlast another dead one
          await second.rest(8_000);
          expect([ponging, dripping, mute, slow].map(({ hasEnded }) => hasEnded)).to.deep.equal([false, false, false, false]);
          expect(notes.ends.length).to.equal(ended.size + 1);
        } finally {
          clearInterval(drip);
          ponging.abort();
          await beat;
        }
      });
    }).timeout(20_000);

    it('notices that a client has left whose message nobody wants', async () => {
      const notes = new Notes();
      await FrameSite.with(
        asChannel((channel) => notes.watch(channel), { heartbeatMs: 1_000 }),
        async (own) => {
          const client = (await own.open()).send(text('nobody reads this'));
          await turns(10);
          client.send(text('nor this')).finish();
          expect((await client.word(8_000)).trim()).to.equal('ping');
          client.abort();
          await until('the channel was told', () => notes.ends.length === 1);
          expect(notes.words).to.deep.equal(['unknown 1006 client']);
        },
      );
    });

    it('finds a client dead that is sent something now and then, and never answers', async () => {
      const notes = new Notes();
      const handler = asChannel(
        (channel) => {
          notes.watch(channel);
          const feed = interval(200).subscribe(() => channel.send('tick'));
          return feed;
        },
        { heartbeatMs: 1_000 },
      );
      await FrameSite.with(handler, async (own) => {
        const client = await own.open();
        const words = await client.rest(8_000);
        expect(words.filter((word) => word === 'ping ').length).to.equal(1);
        expect(await notes.end()).to.deep.equal(['unknown 1006 client']);
      });
    });
  });

  describe('stop', () => {
    it('closes every WebSocket with 1001, and resolves when all have confirmed', async () => {
      const notes = new Notes();
      const released: string[] = [];
      const own = await FrameSite.start(
        asChannel((channel) => {
          notes.watch(channel);
          return () => released.push('let go');
        }),
      );
      const clients = await Promise.all(Array.from({ length: 20 }, () => own.open()));
      await until('all are open', () => notes.channels.length === 20);
      const stopped = own.site.server.stop({ timeout: 5_000 });
      await Promise.all(
        clients.map(async (client) => {
          expect(await client.word()).to.equal('close 1001');
          client.send(close(1001));
          expect(await client.ended()).to.equal('end');
          client.finish();
        }),
      );
      await stopped;
      expect(new Set(notes.words)).to.deep.equal(new Set(['server-close 1001 server']));
      expect(released.length).to.equal(20);
      await own.stop();
    });

    it('cuts those that do not confirm, when the time is up', async () => {
      const notes = new Notes();
      const own = await FrameSite.start(echoing(notes));
      const client = await own.open();
      const started = Date.now();
      await own.site.server.stop({ timeout: 100 });
      expect(Date.now() - started).to.be.below(2_000);
      expect(await client.rest()).to.deep.equal(['close 1001']);
      expect(notes.words).to.deep.equal(['server-close 1001 server']);
      await own.stop();
    });
  });

  describe('a client that does not read', () => {
    it('is closed with 1013 when its queue is full, with an event: no more is taken than fits', async () => {
      const notes = new Notes();
      const payload = 'x'.repeat(1_000);
      let accepted = 0;
      const handler = asChannel(
        (channel) => {
          notes.watch(channel);
          channel.onReceive(() => {
            while (channel.send(payload)) accepted++;
          });
        },
        { queueSize: 200 },
      );
      await FrameSite.with(handler, async (own) => {
        const client = (await own.open()).pause().send(text('go'));
        expect(await notes.end()).to.deep.equal(['server-close 1013 server']);
        expect(accepted).to.be.within(200, 700); // and what a socket takes by itself
        expect(own.site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        client.resume();
        await until('the close came', () => client.frames.at(-1)?.opcode === 8);
        expect((await client.words(client.frames.length)).at(-1)).to.equal('close 1013');
      });
    });

    it('is closed when maxBufferedBytes is passed', async () => {
      const notes = new Notes();
      let accepted = 0;
      const handler = asChannel(
        (channel) => {
          notes.watch(channel);
          channel.onReceive(() => {
            while (channel.send(Buffer.alloc(50_000))) accepted++;
          });
        },
        { maxBufferedBytes: 500_000 },
      );
      await FrameSite.with(handler, async (own) => {
        (await own.open()).pause().send(text('go'));
        expect(await notes.end()).to.deep.equal(['server-close 1013 server']);
        expect(accepted).to.be.below(100);
        expect(own.site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
      });
    });

    it('gets everything in order when it reads again in time', async () => {
      const count = 15_000;
      const handler = asChannel((channel) =>
        channel.onReceive(() => {
          for (let index = 0; index < count; index++) channel.send(`${index}`.padStart(60, '0'));
          channel.close(1000);
        }),
      );
      await FrameSite.with(handler, async (own) => {
        const client = (await own.open()).pause().send(text('go'));
        await turns(20);
        client.resume();
        const words = await client.words(count + 1);
        expect(words.slice(0, -1).every((word, index) => Number(word.slice(5)) === index)).to.equal(true);
        expect(words.at(-1)).to.equal('close 1000');
      });
    });

    it('and sends pings without end is owed the last pong alone, behind what its socket took', async () => {
      const notes = new Notes();
      await FrameSite.with(echoing(notes), async (own) => {
        const client = (await own.open()).pause();
        const flood = Buffer.concat(Array.from({ length: 5_000 }, () => ping('x'.repeat(125))));
        for (let round = 0; round < 60; round++) {
          client.send(flood);
          await until('the server has read it', () => client.unsent === 0);
        }
        client.resume();
        client.send(text('still there?'));
        await until('it is answered', () => client.frames.some(({ opcode }) => opcode === 1), 20_000);
        const pongs = client.frames.filter(({ opcode }) => opcode === 10).length;
        expect(pongs, 'of 300,000, and what kernels take by themselves').to.be.within(1, 200_000);
      });
    });
  });

  it('stops to read when nobody subscribes to its messages, and goes on when somebody does', async () => {
    const messages: Message[] = [];
    let channel: Channel<Message, any> | undefined;
    await FrameSite.with(
      asChannel((opened) => {
        channel = opened;
      }),
      async (own) => {
        const client = await own.open();
        const piece = text('x'.repeat(60_000));
        for (let round = 0; round < 400; round++) client.send(piece); // 24 MB: more than kernels hold
        await turns(200);
        expect(client.unsent).to.be.above(1_000_000);
        const subscription = channel!.subscribe((message) => messages.push(message));
        await until('a hundred messages came', () => messages.length >= 100);
        subscription.unsubscribe();
        const seen = messages.length;
        await turns(100);
        expect(messages.length).to.equal(seen);
        expect(client.unsent).to.be.above(100_000);
        channel!.subscribe((message) => messages.push(message));
        await until('all messages came', () => messages.length === 400);
      },
    );
  });

  it('hands one message at a time to who takes one at a time, and loses none', async () => {
    const got: string[] = [];
    let channel: Channel<Message, any> | undefined;
    await FrameSite.with(
      asChannel((opened) => {
        channel = opened;
      }),
      async (own) => {
        (await own.open()).send(...Array.from({ length: 50 }, (_, index) => text(`${index}`)));
        await until('it is open', () => channel !== undefined);
        for (let index = 0; index < 50; index++) {
          await new Promise<void>((resolve) =>
            channel!.pipe(take(1)).subscribe((message) => {
              got.push(String(message));
              resolve();
            }),
          );
        }
        expect(got).to.deep.equal(Array.from({ length: 50 }, (_, index) => `${index}`));
      },
    );
  });

  it('closes 1013 when a message finds the queue of the server full', async () => {
    const answer$ = new Subject<string>();
    const echo = websocket(map((message: Message) => message));
    await FrameSite.with(
      (requests$) => requests$.pipe(mergeMap((request) => (request.isWebSocket ? of(request).pipe(echo) : answer$.pipe(take(1))))),
      async (own) => {
        const client = (await own.open()).send(text('a'));
        expect(await client.word()).to.equal('text a');
        const waiting = await Promise.all([own.site.connect(), own.site.connect()]);
        for (const one of waiting) one.send('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
        await until('two requests wait', () => answer$.observed);
        await turns(20);
        client.send(text('b'));
        expect(await client.word()).to.equal('close 1013');
        expect(own.site.codes).to.deep.equal(['RHK_ADMISSION_FULL']);
        answer$.next('done');
      },
      { queueSize: 2 },
    );
  });

  it('writes the frames of one turn as one', async () => {
    let opened: Channel<Message, any> | undefined;
    await FrameSite.with(
      asChannel((channel) => {
        opened = channel;
      }),
      async (own) => {
        const client = await own.open();
        await until('it is open', () => opened !== undefined);
        for (let index = 0; index < 500; index++) opened!.send('tick');
        expect(await client.words(500)).to.deep.equal(Array.from({ length: 500 }, () => 'text tick'));
      },
    );
  });

  it('tells onPing of pings, whose pong is sent anyway', async () => {
    const seen: string[] = [];
    await FrameSite.with(
      asChannel({
        onPing: (_, data) => {
          seen.push(data.toString());
        },
        onReceive: () => {},
      }),
      async (own) => {
        const client = (await own.open()).send(ping('a'), ping(''), ping('b'));
        expect(await client.words(3)).to.deep.equal(['pong a', 'pong ', 'pong b']);
        expect(seen).to.deep.equal(['a', '', 'b']);
      },
    );
  });

  it('completes messages and runs finalizers, once, however it ends', async () => {
    for (const end of ['close', 'fin', 'reset', 'broken'] as const) {
      const log: string[] = [];
      const handler = websocket((messages$) =>
        messages$.pipe(
          tap({ complete: () => log.push('complete') }),
          endWith('bye'),
          finalize(() => log.push('finalized')),
        ),
      );
      await FrameSite.with(handler, async (own) => {
        const client = (await own.open()).send(text('x'));
        await client.word();
        if (end === 'close') client.send(close(1000));
        if (end === 'fin') client.finish();
        if (end === 'reset') client.abort();
        if (end === 'broken') client.send(frame(7));
        await until('it is over', () => log.includes('finalized'));
        await turns(3);
        expect(log, end).to.deep.equal(['complete', 'finalized']);
      });
    }
  });
});
