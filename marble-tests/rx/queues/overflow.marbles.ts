import { expect } from 'chai';
import { map, merge, NEVER, type Observable, type Observer } from 'rxjs';
import {
  asChannel,
  type Channel,
  type ChannelCounts,
  conflate,
  disconnect,
  dropNewest,
  dropOldest,
  type Drop,
  fromReadable,
  type Handler,
  latest,
  type OverflowPolicy,
  stream,
  suspend,
  websocket,
} from 'rx-http-kit';
import { get, marbles, type MarbleHelpers, text, upgrade } from 'rx-http-kit/testing';

type TextChannel = Channel<any, any>; // any: each test sends text

/** So large that each uses up the credit of a client: the first is on its way, the others wait. */
const large = map((letter: string) => letter.repeat(65_536));
const keyOf = (message: string): string => message[0].toLowerCase();

const KINDS = ['HTTP', 'WebSocket'] as const;
type Kind = (typeof KINDS)[number];

interface Heard {
  /** The first letter of each message; a close frame whole. */
  readonly heard$: Observable<string>;
  readonly codes$: Observable<unknown>;
}

/** A client that takes nothing before frame 9, and leaves in frame 20. */
const slowClient = (kind: Kind, { network }: MarbleHelpers, handler: Handler): Heard => {
  const server = network.server(handler);
  const values = { r: kind === 'HTTP' ? get('/') : upgrade('/') };
  const client = server.client({ sends: 'r-------------------#', values, reads: '---------*' });
  return {
    heard$: (kind === 'HTTP' ? client.reply$() : client.frames$).pipe(map((piece) => (piece.startsWith('close') ? piece : piece[0]))),
    codes$: server.events$.pipe(map(({ error }) => ('code' in error ? error.code : ''))),
  };
};

interface Fate {
  readonly overflow: OverflowPolicy<string>;
  /** What the client hears from frame 9 on, of `-abcBC` and two places. */
  readonly heard: string;
  readonly drops: readonly string[];
}

const FATES: Readonly<Record<string, Fate>> = {
  dropNewest: { overflow: dropNewest(), heard: 'abc', drops: ['drop-newest', 'drop-newest'] },
  dropOldest: { overflow: dropOldest(), heard: 'aBC', drops: ['drop-oldest', 'drop-oldest'] },
  latest: { overflow: latest(), heard: 'aC', drops: ['latest', 'latest', 'latest'] },
  conflate: { overflow: conflate(keyOf), heard: 'aBC', drops: ['conflate', 'conflate'] },
  'conflate with one key': { overflow: conflate(keyOf, { maxKeys: 1 }), heard: 'aC', drops: ['max-keys', 'max-keys', 'max-keys'] },
};

/** Who watches a channel, from its first moment. */
class Watch {
  readonly drops: Drop[] = [];
  completions = 0;
  private channel: TextChannel | undefined;

  watch(channel: TextChannel): void {
    this.channel = channel;
    channel.dropped$.subscribe({ next: (drop) => this.drops.push(drop), complete: () => this.completions++ });
  }

  get counts(): ChannelCounts {
    if (this.channel === undefined) throw new Error('no channel was opened');
    return this.channel.counts;
  }
}

describe('overflow policies', () => {
  for (const kind of KINDS) {
    /** A reply takes a turn for each message that uses up its credit. */
    const from9 = (letters: string): string => `---------${kind === 'HTTP' ? letters : `(${letters})`}`;

    describe(`of a channel on ${kind}`, () => {
      for (const [name, { overflow, heard, drops }] of Object.entries(FATES)) {
        it(`${name}: what the client hears, what is dropped, and that the feed goes on`, () => {
          const watched = marbles((helpers) => {
            const watch = new Watch();
            const feed$ = helpers.cold('-abcBC');
            const feed = '              ^-------------------!';
            const options = { overflow, queueSize: 2 };
            const { heard$ } = slowClient(
              kind,
              helpers,
              asChannel<string, string>((channel) => {
                watch.watch(channel);
                return feed$.pipe(large).subscribe(channel);
              }, options),
            );
            helpers.expectObservable(heard$, '^------------------!').toBe(from9(heard));
            helpers.expectSubscriptions(feed$.subscriptions).toBe(feed);
            helpers.flush();
            return watch;
          });
          expect(watched.drops.map(({ reason }) => reason)).to.deep.equal(drops);
          expect(watched.counts).to.deep.equal({
            offered: 5,
            sent: heard.length,
            dropped: drops.length,
            waiting: 0,
            waitingBytes: 0,
          });
        });
      }

      it('disconnect: 1013 or a cut, and the feed is let go', () => {
        const watched = marbles((helpers) => {
          const watch = new Watch();
          const feed$ = helpers.cold('-abcBC');
          const feed = '              ^---!';
          const { heard$, codes$ } = slowClient(
            kind,
            helpers,
            asChannel<string, string>(
              (channel) => {
                watch.watch(channel);
                return feed$.pipe(large).subscribe(channel);
              },
              { overflow: disconnect(4000), queueSize: 2 },
            ),
          );
          const heard = kind === 'HTTP' ? '---------(a#)' : '---------(az|)';
          helpers.expectObservable(heard$, '^------------------!').toBe(heard, { a: 'a', z: 'close 4000' });
          helpers.expectObservable(codes$, '^------------------!').toBe('----e', { e: 'RHK_SLOW_CLIENT' });
          helpers.expectSubscriptions(feed$.subscriptions).toBe(feed);
          helpers.flush();
          return watch;
        });
        expect(watched.drops).to.deep.equal([{ reason: 'disconnect', count: 3, total: 3 }]);
        expect(watched.counts).to.deep.equal({ offered: 4, sent: 1, dropped: 3, waiting: 0, waitingBytes: 0 });
      });

      it('suspend: a feed that does not wait fails the channel, and nothing else', () => {
        const watched = marbles((helpers) => {
          const watch = new Watch();
          const feed$ = helpers.cold('-abcBC');
          const feed = '              ^---!';
          const { codes$ } = slowClient(
            kind,
            helpers,
            asChannel<string, string>(
              (channel) => {
                watch.watch(channel);
                return feed$.pipe(large).subscribe(channel);
              },
              { overflow: suspend(), queueSize: 2 },
            ),
          );
          helpers.expectObservable(codes$, '^------------------!').toBe('----e', { e: 'RHK_CANNOT_SUSPEND' });
          helpers.expectSubscriptions(feed$.subscriptions).toBe(feed);
          helpers.flush();
          return watch;
        });
        expect(watched.drops).to.deep.equal([{ reason: 'suspend', count: 3, total: 3 }]);
      });

      it('suspend: what can be paused is pulled as the client takes it, and nothing is dropped', () => {
        const { watch, pulls } = marbles((helpers) => {
          const watch = new Watch();
          const pulls: string[] = [];
          const letters = function* (): Generator<string> {
            for (const letter of 'abcde') {
              pulls.push(`${letter} ${helpers.clock.now()}`);
              yield letter;
            }
          };
          const { heard$ } = slowClient(
            kind,
            helpers,
            asChannel<string, string>(
              (channel) => {
                watch.watch(channel);
                return fromReadable(letters).pipe(large).subscribe(channel);
              },
              { overflow: suspend(), queueSize: 1 },
            ),
          );
          helpers.expectObservable(heard$.pipe(map(([letter]) => letter)), '^--------------!').toBe(kind === 'HTTP' ? '---------abcde|' : '---------(abcdec|)'); // prettier-ignore
          helpers.flush();
          return { watch, pulls };
        });
        expect(watch.drops).to.deep.equal([]);
        expect(watch.counts).to.include({ offered: 5, sent: 5, dropped: 0, waiting: 0 });
        expect(pulls.slice(0, 1)).to.deep.equal(['a 0']);
        expect(pulls[1], 'the second waits for the client').to.match(/^b (?:9|10)$/);
      });

      it('counts what waited when the client left, and completes what was watched', () => {
        const watched = marbles((helpers) => {
          const watch = new Watch();
          const feed$ = helpers.cold('-abc');
          const server = helpers.network.server(
            asChannel<string, string>(
              (channel) => {
                watch.watch(channel);
                return feed$.pipe(large).subscribe(channel);
              },
              { overflow: dropOldest() },
            ),
          );
          server.client({ sends: 'r', values: { r: kind === 'HTTP' ? get('/') : upgrade('/') }, reads: '-', vanishes: '-----#' });
          helpers.expectSubscriptions(feed$.subscriptions).toBe('^----!');
          helpers.flush();
          return watch;
        });
        expect(watched.drops).to.deep.equal([{ reason: 'closed', count: 2, total: 2 }]);
        expect(watched.completions).to.equal(1);
        expect(watched.counts).to.deep.equal({ offered: 3, sent: 1, dropped: 2, waiting: 0, waitingBytes: 0 });
      });

      it('buffered$ and writable$ tell what is, from the present state on, until the client has left', () => {
        const told: string[] = [];
        marbles((helpers) => {
          const feed$ = helpers.cold('-abc');
          const tell = (name: string): Partial<Observer<unknown>> => ({
            next: (value) => told.push(`${helpers.clock.now()} ${name} ${String(value)}`),
            complete: () => told.push(`${helpers.clock.now()} ${name} over`),
          });
          slowClient(
            kind,
            helpers,
            asChannel<string, string>((channel) => {
              channel.buffered$.subscribe(tell('buffered'));
              channel.writable$.subscribe(tell('writable'));
              return feed$.pipe(large).subscribe(channel);
            }, {}),
          );
        });
        expect(told).to.deep.equal(kind === 'HTTP' ? TOLD_ON_HTTP : TOLD_ON_WEBSOCKET);
      });
    });

    describe(`of ${kind === 'HTTP' ? 'stream()' : 'websocket()'}`, () => {
      for (const [name, { overflow, heard }] of Object.entries(FATES)) {
        it(`${name}: what the client hears, and that the feed goes on`, () => {
          marbles((helpers) => {
            const feed$ = helpers.cold('-abcBC');
            const options = { overflow, queueSize: 2 };
            const handler =
              kind === 'HTTP' ? stream(() => feed$.pipe(large), options) : websocket<string, string>(() => feed$.pipe(large), options);
            const { heard$ } = slowClient(kind, helpers, handler);
            helpers.expectObservable(heard$, '^------------------!').toBe(from9(heard));
            helpers.expectSubscriptions(feed$.subscriptions).toBe('^-------------------!');
          });
        });
      }
    });
  }

  it('suspend() refuses an Observable that cannot be paused with a 500, before anything is sent', () => {
    marbles((helpers) => {
      const feed$ = helpers.cold('-abc');
      const server = helpers.network.server(stream(() => feed$, { overflow: suspend() }));
      const client = server.client({ sends: 'r', values: { r: get('/') } });
      helpers.expectReplies(client).toBe('r', { r: '500 internal server error' });
      helpers.expectEvents(server).toBe('e', { e: 'RHK_CANNOT_SUSPEND' });
      helpers.expectSubscriptions(feed$.subscriptions).toBe([]);
    });
  });

  it('stream() pulls what can be pulled as the client takes it, whatever the policy', () => {
    for (const overflow of [suspend(), dropNewest(), latest(), disconnect()]) {
      marbles((helpers) => {
        const { heard$ } = slowClient('HTTP', helpers, stream(() => ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(65_536)), { overflow, queueSize: 1 })); // prettier-ignore
        helpers.expectObservable(heard$).toBe('---------abcd|');
      });
    }
  });

  describe('suspend() of websocket()', () => {
    /** A client that says `abcd` and takes nothing before frame 9. */
    const talker = ({ network }: MarbleHelpers, handler: Handler) => {
      const values = { r: upgrade('/'), a: text('a'), b: text('b'), c: text('c'), d: text('d') };
      const server = network.server(handler);
      return { server, client: server.client({ sends: 'rabcd', values, reads: '---------*' }) };
    };
    const letters = map(([letter]: string) => letter);

    it('does not read a client while it does not take the answers', () => {
      const answered: string[] = [];
      marbles((helpers) => {
        const answer = (message: string): string => {
          answered.push(`${message} ${helpers.clock.now()}`);
          return message.repeat(65_536);
        };
        const { client } = talker(helpers, websocket<string, string>(map(answer), { overflow: suspend(), queueSize: 1 }));
        helpers.expectObservable(client.frames$.pipe(letters), '^-------------!').toBe('---------(abcd)');
        helpers.expectReading(client).toBe('--f------(tftft)', { t: true, f: false });
      });
      expect(answered.map((line) => line.slice(0, 3))).to.deep.equal(['a 1', 'b 9', 'c 9', 'd 9']);
    });

    it('does not read it either where the answers come of something that cannot be paused', () => {
      const handlers: readonly Handler[] = [
        websocket<string, string>((messages$: Observable<string>) => merge(messages$.pipe(large), NEVER), {
          overflow: suspend(),
          queueSize: 1,
        }),
        asChannel<string, string>((channel) => channel.onReceive((message) => channel.send(message.repeat(65_536))), {
          overflow: suspend(),
          queueSize: 1,
        }),
      ];
      for (const handler of handlers) {
        marbles((helpers) => {
          const { client } = talker(helpers, handler);
          helpers.expectObservable(client.frames$.pipe(letters), '^-------------!').toBe('---------(abcd)');
          helpers.expectReading(client).toBe('--f------(tftft)', { t: true, f: false });
        });
      }
    });

    it('fails with 1011 what goes on nevertheless', () => {
      marbles((helpers) => {
        const noise$ = helpers.cold('-abc').pipe(large);
        const { client, server } = talker(
          helpers,
          websocket<string, string>((messages$: Observable<string>) => merge(messages$, noise$), { overflow: suspend(), queueSize: 1 }),
        );
        helpers.expectEvents(server).toBe('---e', { e: 'RHK_CANNOT_SUSPEND' });
        helpers.expectObservable(client.closed$).toBe('---------c', { c: 1011 });
      });
    });

    it('pulls what can be paused as the client takes it', () => {
      const pulls: string[] = [];
      marbles((helpers) => {
        const pulled = function* (): Generator<string> {
          for (const letter of 'abcd') {
            pulls.push(`${letter} ${helpers.clock.now()}`);
            yield letter;
          }
        };
        const { client } = talker(
          helpers,
          websocket<string, string>(() => fromReadable(pulled).pipe(large), { overflow: suspend(), queueSize: 1 }),
        );
        helpers.expectObservable(client.frames$.pipe(letters), '^-------------!').toBe('---------(abcdc|)');
      });
      expect(pulls).to.deep.equal(['a 0', 'b 9', 'c 9', 'd 9']);
    });
  });
});

const TOLD_ON_HTTP = [
  ...['0 buffered 0', '0 writable true', '1 writable false', '2 buffered 1', '3 buffered 2', '10 buffered 1', '11 buffered 0'],
  ...['12 writable true', '20 writable false', '20 buffered over', '20 writable over'],
];
const TOLD_ON_WEBSOCKET = [
  ...['0 buffered 0', '0 writable false', '0 writable true', '1 writable false', '2 buffered 1', '3 buffered 2', '9 buffered 1'],
  ...['9 buffered 0', '9 writable true', '20 writable false', '20 buffered over', '20 writable over'],
];
