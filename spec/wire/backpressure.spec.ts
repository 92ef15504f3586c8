/** Clients that stop reading, and clients that never stop sending, on real sockets: what is heard, what is counted, what is held. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { map, Observable, Subject, takeUntil, tap, timer } from 'rxjs';
import {
  asChannel,
  type Channel,
  type ChannelOptions,
  conflate,
  disconnect,
  dropNewest,
  dropOldest,
  fromReadable,
  inOrder,
  latest,
  type OverflowPolicy,
  stream,
  suspend,
  websocket,
} from 'rx-http-kit';
import { type FrameClient, text } from '../support/frame-client.js';
import { FrameSite } from '../support/frame-site.js';
import { type RawClient, turns, until } from '../support/raw-client.js';

type TextChannel = Channel<any, any>; // any: each test sends text

const MESSAGES = 40_000;
const OCTETS = 1_000;
const KEYS = 10;
const MEBIBYTE = 1_048_576;

const messageOf = (seq: number): string => `${seq}`.padEnd(OCTETS, '.');
const seqOf = (message: string): number => Number.parseInt(message, 10);

/** Forty megabytes in a few hundred turns of the event loop: more than a socket takes by itself. */
const flood$ = new Observable<string>((subscriber) => {
  const run = async (): Promise<void> => {
    for (let seq = 0; seq < MESSAGES && !subscriber.closed;) {
      for (const end = seq + 200; seq < end; seq++) subscriber.next(messageOf(seq));
      await turn();
    }
  };
  void run();
});

interface Fate {
  readonly overflow: OverflowPolicy<string>;
  /** What must be true of what was heard, behind what the socket took by itself. */
  readonly judge: (heard: readonly number[]) => void;
}

const FATES: Readonly<Record<string, Fate>> = {
  dropNewest: {
    overflow: dropNewest(),
    judge: (heard) => expect(heard.slice(0, 100), 'the first hundred').to.deep.equal(Array.from({ length: 100 }, (_, i) => i)),
  },
  dropOldest: {
    overflow: dropOldest(),
    judge: (heard) =>
      expect(heard.slice(-100), 'the last hundred').to.deep.equal(Array.from({ length: 100 }, (_, i) => MESSAGES - 100 + i)),
  },
  latest: { overflow: latest(), judge: (heard) => expect(heard.at(-1)).to.equal(MESSAGES - 1) },
  conflate: {
    overflow: conflate((message: string) => seqOf(message) % KEYS),
    judge: (heard) => expect(heard.slice(-KEYS).sort(), 'the newest of each key').to.deep.equal(Array.from({ length: KEYS }, (_, i) => MESSAGES - KEYS + i)), // prettier-ignore
  },
};

describe('a client that stops reading', () => {
  for (const kind of ['a WebSocket', 'an HTTP channel'] as const) {
    describe(`on ${kind}`, () => {
      for (const [name, { overflow, judge }] of Object.entries(FATES)) {
        it(`${name}: counts are exact, what waits is bounded, and it hears what it was promised when it reads again`, async () => {
          let channel: TextChannel | undefined;
          let dropped = 0;
          const handler = asChannel<string, string>(
            (opened) => {
              channel = opened;
              opened.dropped$.subscribe(({ count }) => (dropped += count));
              return flood$.subscribe((message) => opened.next(message));
            },
            { overflow, queueSize: 100 } satisfies ChannelOptions<string, string>,
          );
          await FrameSite.with(handler, async (own) => {
            const isWebSocket = kind === 'a WebSocket';
            const frames = isWebSocket ? (await own.open()).pause() : undefined;
            const raw = isWebSocket ? undefined : (await own.site.connect()).pause().send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
            await until('all was offered', () => channel?.counts.offered === MESSAGES, 20_000);
            const { counts } = channel as unknown as TextChannel; // set by the first request
            expect(counts.sent + counts.dropped + counts.waiting).to.equal(MESSAGES);
            expect(counts.dropped).to.equal(dropped);
            expect(counts.waiting).to.be.within(1, 100);
            expect(counts.waitingBytes).to.equal(counts.waiting * OCTETS);
            expect(counts.sent, 'what a socket takes by itself').to.be.below(MESSAGES / 2);
            frames?.resume();
            raw?.resume();
            await until('the rest has left', () => channel?.counts.waiting === 0, 20_000);
            const { sent } = (channel as unknown as TextChannel).counts;
            channel?.close();
            const heard = await heardBy(frames, raw, sent + 1);
            expect(heard, 'heard as many as were sent').to.have.lengthOf(sent);
            const inOrderOf = name === 'conflate' ? heard.filter((seq) => seq % KEYS === 3) : heard; // each key in its own order
            expect(inOrderOf, 'in order').to.deep.equal([...inOrderOf].sort((a, b) => a - b));
            judge(heard);
            expect((channel as unknown as TextChannel).counts).to.deep.equal({
              offered: MESSAGES,
              sent,
              dropped,
              waiting: 0,
              waitingBytes: 0,
            });
          });
        }).timeout(30_000);
      }

      it('disconnect: its feed is let go, and the rest is counted as dropped', async () => {
        let channel: TextChannel | undefined;
        const handler = asChannel<string, string>(
          (opened) => {
            channel = opened;
            return flood$.subscribe((message) => opened.next(message));
          },
          { overflow: disconnect(), queueSize: 100 },
        );
        await FrameSite.with(handler, async (own) => {
          if (kind === 'a WebSocket') (await own.open()).pause();
          else (await own.site.connect()).pause().send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
          await until('it was closed', () => channel?.isOpen === false, 20_000);
          const { counts } = channel as unknown as TextChannel; // set by the first request
          expect(counts).to.include({ dropped: 101, waiting: 0 });
          expect(counts.offered).to.equal(counts.sent + 101);
          expect(own.site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        });
      }).timeout(30_000);

      it('suspend: what can be paused is pulled no further, and nothing is lost', async () => {
        let pulled = 0;
        let channel: TextChannel | undefined;
        const numbers = function* (): Generator<string> {
          while (pulled < MESSAGES) yield messageOf(pulled++);
        };
        const handler = asChannel<string, string>(
          (opened) => {
            channel = opened;
            return fromReadable(numbers).subscribe(opened);
          },
          { overflow: suspend(), queueSize: 1 },
        );
        await FrameSite.with(handler, async (own) => {
          const isWebSocket = kind === 'a WebSocket';
          const frames = isWebSocket ? (await own.open()).pause() : undefined;
          const raw = isWebSocket ? undefined : (await own.site.connect()).pause().send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
          await until('the source rests', async () => {
            const seen = pulled;
            await turns(20);
            return seen > 0 && seen === pulled;
          });
          expect(pulled, 'what a socket takes by itself').to.be.below(MESSAGES / 2);
          frames?.resume();
          raw?.resume();
          const heard = await heardBy(frames, raw, MESSAGES + 1);
          expect(heard).to.have.lengthOf(MESSAGES);
          expect(heard.every((seq, index) => seq === index)).to.equal(true);
          expect(channel?.counts).to.include({ offered: MESSAGES, sent: MESSAGES, dropped: 0 });
        });
      }).timeout(30_000);
    });
  }

  it('and says much is not read either: websocket() with suspend()', async () => {
    let read = 0;
    const echo = map((message: string) => {
      read++;
      return message;
    });
    await FrameSite.with(websocket<string, string>(echo, { overflow: suspend(), queueSize: 10 }), async (own) => {
      const client = (await own.open()).pause();
      const all = Buffer.concat(Array.from({ length: 200 }, (_, seq) => text(messageOf(seq))));
      for (let round = 0; round < 200; round++) client.send(all);
      await until('the server rests', async () => {
        const seen = read;
        await turns(30);
        return seen > 0 && seen === read;
      });
      expect(client.unsent, 'forty megabytes were pushed back').to.be.above(10 * MEBIBYTE);
      expect(read, 'what sockets take by themselves').to.be.below(MESSAGES / 2);
      client.resume();
      await until('all was answered', () => client.frames.length === MESSAGES, 20_000);
      own.expectNoFailures();
    });
  }).timeout(30_000);
});

/** The numbers of all that a client hears, until its channel has closed. */
const heardBy = async (frames: FrameClient | undefined, raw: RawClient | undefined, count: number): Promise<readonly number[]> => {
  if (frames === undefined) return numbersIn((await (raw as RawClient).response('GET', 20_000)).body.toString()); // one of the two
  await until('all has come', () => frames.frames.length === count, 20_000);
  return frames.frames.slice(0, -1).map(({ payload }) => seqOf(payload.toString()));
};

const numbersIn = (body: string): readonly number[] =>
  Array.from({ length: body.length / OCTETS }, (_, index) => seqOf(body.slice(index * OCTETS, (index + 1) * OCTETS)));

describe('a client that never stops sending', () => {
  it('is read no faster than inOrder is done: messages', async () => {
    const gate$ = new Subject<void>();
    let done = 0;
    let most = 0;
    let working = 0;
    let came = 0;
    let ahead = 0;
    const work = (message: string): Observable<string> =>
      timer(0).pipe(
        tap({ subscribe: () => (most = Math.max(most, ++working)), finalize: () => working-- }),
        map(() => `${++done} ${message.length}`),
      );
    const handler = websocket<string, string>(
      (messages$: Observable<string>) =>
        messages$.pipe(
          tap(() => (ahead = Math.max(ahead, ++came - done))),
          inOrder(work),
          takeUntil(gate$),
        ),
      {},
    );
    await FrameSite.with(handler, async (own) => {
      const client = await own.open();
      const message = text('x'.repeat(100_000));
      for (let i = 0; i < 600; i++) client.send(message);
      await until('some are done', () => done > 100);
      expect(client.unsent, 'of sixty megabytes most wait with the client').to.be.above(30 * MEBIBYTE);
      expect(most, 'one at a time').to.equal(1);
      expect(ahead, 'taken and not done').to.be.at.most(3); // those of one read
      gate$.next();
    });
  }).timeout(30_000);

  it('is read no faster than inOrder is done: a body', async () => {
    const TOTAL = 60 * MEBIBYTE;
    let client: RawClient | undefined;
    let done = 0;
    let most = 0;
    const handler = stream((request) =>
      request.body$.pipe(
        inOrder((chunk) => timer(1).pipe(map(() => chunk.length))),
        map((length) => {
          done += length;
          most = Math.max(most, TOTAL - (client?.unsent ?? 0) - done);
          return `${done}\n`;
        }),
      ),
    );
    const options = { maxBody: 100 * MEBIBYTE };
    await FrameSite.with(
      handler,
      async ({ site }) => {
        client = await site.connect();
        const piece = Buffer.alloc(MEBIBYTE, 97);
        client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${TOTAL}\r\n\r\n`);
        for (let i = 0; i < 60; i++) client.send(piece);
        const { body } = await client.response('POST', 20_000);
        expect(Number(body.toString().trim().split('\n').at(-1))).to.equal(TOTAL);
        expect(most, 'that had left the client and was not done: with kernels and the server').to.be.below(TOTAL / 2);
      },
      options,
    );
  }).timeout(30_000);
});
