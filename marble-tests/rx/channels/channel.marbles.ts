import { expect } from 'chai';
import { defer, delay, finalize, map, NEVER, type Observable, of, type Subscription, take, throwError } from 'rxjs';
import {
  asChannel,
  type Channel,
  type ChannelCallbacks,
  type ChannelOptions,
  encodeOnce,
  HandlerError,
  json,
  type Pausable,
  type PausableSubscription,
  websocket,
} from 'rx-http-kit';
import { WaitingRoom } from '#src/rx/admission/waiting-room.js';
import { type MarbleHelpers, marbles } from 'rx-http-kit/testing';
import { MemoryClient, repliesOf, requestOf } from '../../../spec/support/memory-channel.js';

type AnyChannel = Channel<any, any>; // any: each test says what it sends

type Setup = (channel: AnyChannel) => Subscription | void;

/** A WebSocket channel that is open, and both its ends. */
const openedWith = (setup: Setup, options: ChannelOptions<any, any> = {}): { channel: AnyChannel; client: MemoryClient } => {
  const opening = openingWith(setup, options);
  opening.client.open();
  return opening;
};

/** The same before its 101 has left. */
const openingWith = (setup: Setup, options: ChannelOptions<any, any> = {}): { channel: AnyChannel; client: MemoryClient } => {
  let made: AnyChannel | undefined;
  const client = new MemoryClient(
    asChannel<any, any>((channel) => {
      made = channel;
      return setup(channel) ?? undefined;
    }, options),
  );
  if (made === undefined) throw new Error('no channel was made');
  return { channel: made, client };
};

/** Runs what the letters of a diagram stand for, each in its frame. */
const play = ({ hot }: MarbleHelpers, diagram: string, actions: Readonly<Record<string, () => void>>): void => {
  hot(diagram, actions).subscribe((action) => action());
};

const nothing: Setup = () => {};
const listening: Setup = (channel) => channel.subscribe();

const NORMAL = { status: 'normal', code: 1000, reason: '', by: 'client' };
const GONE = { status: 'unknown', code: 1006, reason: '', by: 'client' };
const byServer = (code: number, reason = ''): object => ({ status: 'server-close', code, reason, by: 'server' });

describe('Channel on a WebSocket', () => {
  describe('sends', () => {
    it('what a feed emits, and closes 1000 behind its last item', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const feed$ = cold('   -a-b-|');
        const feed = '         ^----!';
        const heard = '        -a-b-z';
        const { client, channel } = openedWith((self) => feed$.subscribe(self));
        expectObservable(client.heard$).toBe(heard, { a: 'a', b: 'b', z: 'close 1000' });
        expectObservable(channel.closed$).toBe('-----(c|)', { c: byServer(1000) });
        expectSubscriptions(feed$.subscriptions).toBe(feed);
      });
    });

    it('closes 1011 when a feed fails, and reports why', () => {
      const reported = marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const feed$ = cold('   -a-#');
        const feed = '         ^--!';
        const { client, channel } = openedWith((self) => feed$.subscribe(self));
        expectObservable(client.heard$).toBe('-a-z', { a: 'a', z: 'close 1011' });
        expectObservable(channel.closed$).toBe('---(c|)', { c: byServer(1011) });
        expectSubscriptions(feed$.subscriptions).toBe(feed);
        return client.reported;
      });
      expect(reported).to.deep.equal(['RHK_HANDLER_FAILED']);
    });

    it('lets a feed go when the client closes, and answers with its code', () => {
      marbles((helpers) => {
        const { cold, expectObservable, expectSubscriptions } = helpers;
        const feed$ = cold('   -a-b-c-d');
        const client$ = '      ----x';
        const feed = '         ^---!';
        const { client, channel } = openedWith((self) => {
          self.subscribe();
          return feed$.subscribe(self);
        });
        play(helpers, client$, { x: () => client.sayClose(4321, 'bye') });
        expectObservable(client.heard$).toBe('-a-bz', { a: 'a', b: 'b', z: 'close 4321 bye' });
        expectObservable(channel.closed$).toBe('----(c|)', { c: { status: 'unknown', code: 4321, reason: 'bye', by: 'client' } });
        expectSubscriptions(feed$.subscriptions).toBe(feed);
      });
    });

    it('lets a feed go when the client vanishes', () => {
      marbles((helpers) => {
        const feed$ = helpers.cold('-a-b-c');
        const { client, channel } = openedWith((self) => feed$.subscribe(self));
        play(helpers, '--x', { x: () => client.vanish() });
        helpers.expectObservable(client.heard$).toBe('-a');
        helpers.expectObservable(channel.closed$).toBe('--(c|)', { c: GONE });
        helpers.expectSubscriptions(feed$.subscriptions).toBe('^-!');
      });
    });

    it('runs the teardown of its setup once, when it has closed', () => {
      marbles((helpers) => {
        const teardowns: number[] = [];
        const client = new MemoryClient(asChannel(() => () => teardowns.push(helpers.clock.now())));
        client.open();
        play(helpers, '--x-y', { x: () => client.sayClose(1000), y: () => client.vanish() });
        helpers.expectObservable(client.heard$).toBe('----');
        helpers.flush();
        expect(teardowns).to.deep.equal([4]);
      });
    });

    it('two feeds as they come', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const odd$ = cold('    -a---c---|');
        const even$ = cold('   ---b---d');
        const { client } = openedWith((self) => {
          const both = odd$.subscribe(self);
          both.add(even$.subscribe(self)); // the end of the first is the end of both
          return both;
        });
        expectObservable(client.heard$).toBe('-a-b-c-d-z', { a: 'a', b: 'b', c: 'c', d: 'd', z: 'close 1000' });
        expectSubscriptions(even$.subscriptions).toBe('^--------!');
      });
    });

    it('tells each send whether it went, and sends nothing behind the close', () => {
      marbles((helpers) => {
        const answers: boolean[] = [];
        const { client, channel } = openedWith(nothing);
        play(helpers, '-a-b-c', {
          a: () => answers.push(channel.send('a')),
          b: () => answers.push(channel.send('b', { close: true }), channel.send('late'), channel.close(), channel.isOpen),
          c: () => answers.push(channel.send('later')),
        });
        helpers.expectObservable(client.heard$).toBe('-a-(bz)', { a: 'a', b: 'b', z: 'close 1000' });
        helpers.flush();
        expect(answers).to.deep.equal([true, true, false, false, false, false]);
      });
    });

    it('values through its codec, and what was encoded already as it is', () => {
      marbles((helpers) => {
        const { client, channel } = openedWith(nothing, { codec: json });
        play(helpers, '-a-b-c', {
          a: () => channel.next({ n: 1 }),
          b: () => channel.next(encodeOnce('as it is')),
          c: () => channel.next(undefined), // JSON has no word for it
        });
        helpers.expectObservable(client.heard$).toBe('-a-b-z', { a: '{"n":1}', b: 'as it is', z: 'close 1011' });
        helpers.flush();
        expect(client.reported).to.deep.equal(['RHK_BAD_REPLY']);
      });
    });
  });

  describe('before it is open', () => {
    it('keeps what is sent, in its order, and its close behind that', () => {
      marbles((helpers) => {
        const { client, channel } = openingWith((self) => of('a', 'b').subscribe(self));
        play(helpers, '---o', { o: () => client.open() });
        helpers.expectObservable(client.heard$).toBe('---(abz)', { a: 'a', b: 'b', z: 'close 1000' });
        helpers.expectObservable(channel.closed$).toBe('(c|)', { c: byServer(1000) });
      });
    });

    it('reads nothing, and then what was subscribed to', () => {
      marbles((helpers) => {
        const { client, channel } = openingWith(nothing);
        play(helpers, '---o', { o: () => client.open() });
        helpers.expectObservable(channel, '-^').toBe('-----');
        helpers.expectObservable(client.demand$).toBe('---r', { r: 'read' });
      });
    });

    it('closes with 1013 when more waits than may', () => {
      marbles((helpers) => {
        const feed$ = helpers.cold('-a-b-c-d');
        const { client, channel } = openingWith((self) => feed$.subscribe(self), { queueSize: 2 });
        play(helpers, '---------o', { o: () => client.open() });
        helpers.expectObservable(client.heard$).toBe('---------z', { z: 'close 1013' });
        helpers.expectObservable(channel.closed$).toBe('-----(c|)', { c: byServer(1013) });
        helpers.expectSubscriptions(feed$.subscriptions).toBe('^----!');
      });
    });
  });

  describe('with a slow client', () => {
    it('keeps what it cannot send, and sends it in order when the client has drained', () => {
      marbles((helpers) => {
        const feed$ = helpers.cold('-a-b-c-----d-|');
        const client$ = '           -------r';
        const heard = '             -a-----(bc)d-z';
        const { client } = openedWith((self) => feed$.subscribe(self));
        client.take(1);
        play(helpers, client$, { r: () => client.drain() });
        helpers.expectObservable(client.heard$).toBe(heard, { a: 'a', b: 'b', c: 'c', d: 'd', z: 'close 1000' });
        helpers.expectSubscriptions(feed$.subscriptions).toBe('^------------!');
      });
    });

    it('closes behind what waits, not before', () => {
      marbles((helpers) => {
        const feed$ = helpers.cold('-a-b-|');
        const { client, channel } = openedWith((self) => feed$.subscribe(self));
        client.take(1);
        play(helpers, '---------r', { r: () => client.drain() });
        helpers.expectObservable(client.heard$).toBe('-a-------(bz)', { a: 'a', b: 'b', z: 'close 1000' });
        helpers.expectObservable(channel.closed$).toBe('-----(c|)', { c: byServer(1000) });
        helpers.expectSubscriptions(feed$.subscriptions).toBe('^----!');
      });
    });

    for (const [limit, options] of [
      ['queueSize messages', { queueSize: 2 }],
      ['maxBufferedBytes octets', { maxBufferedBytes: 2 }],
    ] as const) {
      it(`closes with 1013 past ${limit}, drops what waits, and lets the feed go`, () => {
        const { reported, late } = marbles((helpers) => {
          const feed$ = helpers.cold('-a-b-c-d-e');
          const { client, channel } = openedWith((self) => feed$.subscribe(self), options);
          client.take(1);
          helpers.expectObservable(client.heard$).toBe('-a-----z', { a: 'a', z: 'close 1013' });
          helpers.expectObservable(channel.closed$).toBe('-------(c|)', { c: byServer(1013) });
          helpers.expectSubscriptions(feed$.subscriptions).toBe('^------!');
          helpers.flush();
          return { reported: client.reported, late: channel.send('late') };
        });
        expect(reported).to.deep.equal(['RHK_SLOW_CLIENT']);
        expect(late).to.equal(false);
      });
    }

    it('closes when the client vanishes with messages waiting', () => {
      marbles((helpers) => {
        const feed$ = helpers.cold('-a-b-c-d');
        const { client, channel } = openedWith((self) => feed$.subscribe(self));
        client.take(1);
        play(helpers, '----x', { x: () => client.vanish() });
        helpers.expectObservable(client.heard$).toBe('-a');
        helpers.expectObservable(channel.closed$).toBe('----(c|)', { c: GONE });
        helpers.expectSubscriptions(feed$.subscriptions).toBe('^---!');
      });
    });
  });

  describe('hears', () => {
    it('for all its subscribers, each from when it came', () => {
      marbles((helpers) => {
        const { expectObservable } = helpers;
        const client$ = '     -a-b-c-x';
        const first = '       -a-b-c-|';
        const second = '      ---b-c-|';
        const third = '       ---b----';
        const { client, channel } = openedWith(nothing);
        play(helpers, client$, {
          a: () => client.say('a'),
          b: () => client.say('b'),
          c: () => client.say('c'),
          x: () => client.sayClose(1000),
        });
        expectObservable(channel, '^').toBe(first);
        expectObservable(channel, '--^').toBe(second);
        expectObservable(channel, '--^-!').toBe(third);
        expectObservable(client.demand$).toBe('r------s', { r: 'read', s: 'rest' });
      });
    });

    it('only while somebody listens: what is said meanwhile waits for the next', () => {
      marbles((helpers) => {
        const { expectObservable } = helpers;
        const client$ = ' -a-b-c-d';
        const { client, channel } = openedWith(nothing);
        play(helpers, client$, {
          a: () => client.say('a'),
          b: () => client.say('b'),
          c: () => client.say('c'),
          d: () => client.say('d'),
        });
        expectObservable(channel.pipe(take(1)), '^').toBe('-(a|)');
        expectObservable(channel, '------^!').toBe('------(bc)', { b: 'b', c: 'c' });
        expectObservable(client.demand$).toBe('rs----rs', { r: 'read', s: 'rest' });
      });
    });

    it('nothing more once it is closed: who comes late is completed and reads nothing', () => {
      marbles((helpers) => {
        const { expectObservable } = helpers;
        const { client, channel } = openedWith(nothing);
        play(helpers, '--x', { x: () => channel.close(4000, 'enough') });
        expectObservable(channel, '-----^').toBe('-----|');
        expectObservable(channel.closed$, '-----^').toBe('-----(c|)', { c: byServer(4000, 'enough') });
        expectObservable(client.demand$).toBe('-----');
      });
    });

    it('closes 1011 when a listener throws, and the others go on to the end', () => {
      marbles((helpers) => {
        const { client, channel } = openedWith((self) => {
          self.onReceive(() => {
            throw new Error('a bug');
          });
        });
        helpers.expectObservable(channel).toBe('-(|)');
        play(helpers, '-a', { a: () => client.say('a') });
        helpers.expectObservable(client.heard$).toBe('-z', { z: 'close 1011' });
        helpers.flush();
        expect(client.reported).to.deep.equal(['RHK_HANDLER_FAILED']);
      });
    });

    it('closes 1007 on a message that its codec cannot read', () => {
      marbles((helpers) => {
        const feed$ = helpers.cold('-----------a');
        const { client, channel } = openedWith(
          (self) => {
            self.subscribe();
            return feed$.subscribe(self);
          },
          { codec: json },
        );
        play(helpers, '-a-b', { a: () => client.say('[1]'), b: () => client.say('[1') });
        helpers.expectObservable(channel).toBe('-a-|', { a: [1] });
        helpers.expectObservable(client.heard$).toBe('---z', { z: 'close 1007' });
        helpers.expectObservable(channel.closed$).toBe('---(c|)', { c: byServer(1007) });
        helpers.expectSubscriptions(feed$.subscriptions).toBe('^--!');
        helpers.flush();
        expect(client.reported).to.deep.equal(['RHK_BAD_MESSAGE']);
      });
    });

    it('pings, whether or not anybody reads', () => {
      marbles((helpers) => {
        const pings: string[] = [];
        const { client, channel } = openedWith((self) => self.onPing((data) => pings.push(`${helpers.clock.now()} ${String(data)}`)));
        play(helpers, '-a-b-x-c', {
          a: () => client.ping('a'),
          b: () => client.ping('b'),
          x: () => channel.close(),
          c: () => {},
        });
        helpers.flush();
        expect(pings).to.deep.equal(['1 a', '3 b']);
      });
    });
  });

  describe('ends once', () => {
    const causes: Readonly<Record<string, readonly [(channel: AnyChannel, client: MemoryClient) => void, object]>> = {
      'our close': [(channel) => void channel.close(1001, 'moving'), byServer(1001, 'moving')],
      'our error': [(channel) => channel.error(new Error('ours')), byServer(1011)],
      'the client’s close': [(_, client) => client.sayClose(1000), NORMAL],
      'the loss of the socket': [(_, client) => client.vanish(), GONE],
    };
    for (const [first, [begin, close]] of Object.entries(causes)) {
      for (const [second, [again]] of Object.entries(causes)) {
        it(`with ${first}, whatever ${second} says afterwards`, () => {
          marbles((helpers) => {
            const told: unknown[] = [];
            const { client, channel } = openedWith(listening);
            channel.onClose((cause) => told.push(cause));
            play(helpers, '-a-b', { a: () => begin(channel, client), b: () => again(channel, client) });
            helpers.expectObservable(channel.closed$).toBe('-(c|)', { c: close });
            helpers.expectObservable(channel.closed$, '-----^').toBe('-----(c|)', { c: close });
            helpers.expectObservable(channel).toBe('-|');
            helpers.flush();
            channel.onClose((cause) => told.push(cause));
            expect(told).to.deep.equal([close, close]);
            expect(client.isHandled).to.equal(false);
          });
        });
      }
    }

    it('with the client’s close also where its own messages are piped back into it', () => {
      marbles((helpers) => {
        const { client, channel } = openedWith((self) => self.pipe(map((message) => String(message))).subscribe(self));
        play(helpers, '-a-x', { a: () => client.say('a'), x: () => client.sayClose(1001, 'bye') });
        helpers.expectObservable(client.heard$).toBe('-a-z', { a: 'a', z: 'close 1001 bye' });
        helpers.expectObservable(channel.closed$).toBe('---(c|)', { c: { status: 'going-away', code: 1001, reason: 'bye', by: 'client' } });
      });
    });

    it('with the client’s close also when it was too slow for all that waited for it', () => {
      marbles((helpers) => {
        const { client, channel } = openedWith((self) => self.pipe(map((message) => String(message))).subscribe(self));
        client.take(1);
        play(helpers, '-a-b-x-r', {
          a: () => client.say('a'),
          b: () => client.say('b'),
          x: () => client.sayClose(1001),
          r: () => client.drain(),
        });
        helpers.expectObservable(client.heard$).toBe('-a-----(bz)', { a: 'a', b: 'b', z: 'close 1001' });
        helpers.expectObservable(channel.closed$).toBe('-----(c|)', { c: { status: 'going-away', code: 1001, reason: '', by: 'client' } });
      });
    });

    it('refuses codes that must not be sent, and reasons that do not fit', () => {
      const { channel } = openedWith(nothing);
      for (const code of [0, 999, 1002, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5]) expect(() => channel.close(code)).to.throw(RangeError);
      expect(() => channel.close(1000, 'x'.repeat(124))).to.throw(RangeError);
      expect(channel.isOpen).to.equal(true);
      expect(channel.close(1000, 'x'.repeat(123))).to.equal(true);
    });
  });

  it('closes 1013 when a message finds the queue of the server full', () => {
    marbles((helpers) => {
      const room = new WaitingRoom(1);
      const client = new MemoryClient(
        asChannel((channel) => channel.subscribe()),
        { room },
      );
      client.open();
      play(helpers, '-a-b', { a: () => (client.say('a'), room.enter()), b: () => client.say('b') });
      helpers.expectObservable(client.heard$).toBe('---z', { z: 'close 1013' });
      helpers.flush();
      expect(client.reported).to.deep.equal(['RHK_ADMISSION_FULL']);
    });
  });

  it('calls the callbacks of http-kit in their order', () => {
    const calls: string[] = [];
    const callbacks: ChannelCallbacks<any, any> = {
      init: (channel) => void calls.push(`init ${channel.isOpen}`),
      onOpen: (channel) => void calls.push(`open ${channel.send('hello')}`),
      onReceive: (_, message) => void calls.push(`receive ${String(message)}`),
      onPing: (_, data) => void calls.push(`ping ${String(data)}`),
      onClose: (channel, { code }) => void calls.push(`close ${code} ${channel.isOpen}`),
    };
    const client = new MemoryClient(asChannel(callbacks));
    client.say('early');
    client.open();
    client.ping('p');
    client.sayClose(1000);
    expect(calls).to.deep.equal(['init true', 'open true', 'receive early', 'ping p', 'close 1000 false']);
  });
});

describe('websocket', () => {
  const opened = (operator: (messages$: Observable<any>) => Observable<any>): MemoryClient => {
    const client = new MemoryClient(websocket<any, any>(operator, {}));
    client.open();
    return client;
  };

  it('closes 1000 when its operator completes', () => {
    marbles((helpers) => {
      const outgoing$ = helpers.cold('-a-|');
      const client = opened(() => outgoing$);
      helpers.expectObservable(client.heard$).toBe('-a-z', { a: 'a', z: 'close 1000' });
      helpers.expectSubscriptions(outgoing$.subscriptions).toBe('^--!');
    });
  });

  it('closes 1011 when its operator fails', () => {
    marbles((helpers) => {
      const outgoing$ = helpers.cold('-a-#');
      const client = opened(() => outgoing$);
      helpers.expectObservable(client.heard$).toBe('-a-z', { a: 'a', z: 'close 1011' });
      helpers.expectSubscriptions(outgoing$.subscriptions).toBe('^--!');
      helpers.flush();
      expect(client.reported).to.deep.equal(['RHK_HANDLER_FAILED']);
    });
  });

  it('says all of an operator that is done at once', () => {
    marbles((helpers) => {
      const client = new MemoryClient(websocket<any, any>(() => of('a', 'b'), {}));
      play(helpers, '--o', { o: () => client.open() });
      helpers.expectObservable(client.heard$).toBe('--(abz)', { a: 'a', b: 'b', z: 'close 1000' });
    });
  });

  it('closes 1011 when an operator fails at once', () => {
    marbles((helpers) => {
      const client = new MemoryClient(websocket<any, any>(() => throwError(() => new Error('at once')), {}));
      play(helpers, '--o', { o: () => client.open() });
      helpers.expectObservable(client.heard$).toBe('--z', { z: 'close 1011' });
    });
  });

  it('answers what was said before a close, and only then closes', () => {
    marbles((helpers) => {
      const client$ = '   -ab-x';
      const heard = '     ----A(Bz)';
      const client = opened((messages$) => messages$.pipe(delay(3), map((text: string) => text.toUpperCase()))); // prettier-ignore
      play(helpers, client$, { a: () => client.say('a'), b: () => client.say('b'), x: () => client.sayClose(1000) });
      helpers.expectObservable(client.heard$).toBe(heard, { A: 'A', B: 'B', z: 'close 1000' });
    });
  });

  it('owes nothing to a client that has said nothing: its close is answered at once', () => {
    marbles((helpers) => {
      const feed$ = helpers.cold('-a-b-c-d');
      const client = opened((messages$) => {
        messages$.subscribe();
        return feed$;
      });
      play(helpers, '----x', { x: () => client.sayClose(1000) });
      helpers.expectObservable(client.heard$).toBe('-a-bz', { a: 'a', b: 'b', z: 'close 1000' });
      helpers.expectSubscriptions(feed$.subscriptions).toBe('^---!');
    });
  });

  it('lets its operator go, and finalizes once, when the client vanishes with answers owed', () => {
    marbles((helpers) => {
      let finalized = 0;
      const client = opened((messages$) =>
        messages$.pipe(
          delay(5),
          finalize(() => finalized++),
        ),
      );
      play(helpers, '-a-x', { a: () => client.say('a'), x: () => client.vanish() });
      helpers.expectObservable(client.heard$).toBe('-----');
      helpers.flush();
      expect(finalized).to.equal(1);
      expect(client.isHandled).to.equal(false);
    });
  });

  it('refuses with an ordinary response', () => {
    const client = new MemoryClient(websocket(() => ({ status: 403, body: 'no' })));
    expect(client.refusal).to.deep.equal({ status: 403, body: 'no' });
    expect(client.isHandled).to.equal(false);
  });
});

describe('Channel on HTTP', () => {
  const handlerOf = (
    setup: Setup,
    options: ChannelOptions<any, any> = {},
  ): { handler: ReturnType<typeof asChannel>; made: AnyChannel[] } => {
    const made: AnyChannel[] = [];
    const handler = asChannel<any, any>((channel) => {
      made.push(channel);
      return setup(channel) ?? undefined;
    }, options);
    return { handler, made };
  };

  it('answers a long poll with its first message', () => {
    marbles((helpers) => {
      const news$ = helpers.hot('---a-b');
      const { handler } = handlerOf((channel) => news$.subscribe((text) => channel.send(text)));
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('---(a|)');
      helpers.expectSubscriptions(news$.subscriptions).toBe('^--!');
    });
  });

  it('streams what a feed emits, and ends with it', () => {
    marbles((helpers) => {
      const feed$ = helpers.cold('-a-b-|');
      const { handler } = handlerOf((channel) => feed$.subscribe(channel));
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('-a-b-|');
      helpers.expectSubscriptions(feed$.subscriptions).toBe('^----!');
    });
  });

  it('fails with its feed, so that the client can tell', () => {
    marbles((helpers) => {
      const feed$ = helpers.cold('-a-#');
      const { handler } = handlerOf((channel) => feed$.subscribe(channel));
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('-a-#');
      helpers.expectSubscriptions(feed$.subscriptions).toBe('^--!');
    });
  });

  it('lets its feed go when the client leaves: client-close', () => {
    marbles((helpers) => {
      const feed$ = helpers.cold('-a-b-c');
      const memory = requestOf();
      const { handler, made } = handlerOf((channel) => feed$.subscribe(channel));
      const replies$ = repliesOf(handler, memory);
      const closes: unknown[] = [];
      play(helpers, '--l', { l: () => (made[0].onClose((close) => closes.push(helpers.clock.now(), close)), memory.settle()) });
      helpers.expectObservable(replies$, '^---!').toBe('-a-b');
      helpers.expectSubscriptions(feed$.subscriptions).toBe('^---!');
      helpers.flush();
      expect(closes).to.deep.equal([4, { status: 'client-close', code: undefined, reason: '', by: 'client' }]);
    });
  });

  it('is server-close when it has answered, also for who comes late', () => {
    marbles((helpers) => {
      const { handler, made } = handlerOf((channel) => void channel.send('all'));
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('(a|)', { a: 'all' });
      helpers.flush();
      const closes: unknown[] = [];
      made[0].onClose((close) => closes.push(close));
      expect(closes).to.deep.equal([{ status: 'server-close', code: undefined, reason: '', by: 'server' }]);
      expect(made[0].send('more')).to.equal(false);
    });
  });

  it('gives an empty response when it closes without a word', () => {
    marbles((helpers) => {
      const { handler, made } = handlerOf(nothing);
      play(helpers, '--c', { c: () => made[0].close() });
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('--(e|)', { e: 'null' });
    });
  });

  it('names the content type of its codec, once', () => {
    marbles((helpers) => {
      const { handler } = handlerOf((channel) => of([1], [2]).subscribe(channel), { codec: json });
      const first = JSON.stringify({ headers: { 'content-type': 'application/json' }, body: '[1]' });
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('(ab|)', { a: first, b: '[2]' });
    });
  });

  it('sends bodies that are sources one behind the other, each to its end', () => {
    marbles((helpers) => {
      const body$ = helpers.cold('       --a-b|');
      const { handler } = handlerOf((channel) => {
        channel.next(body$);
        channel.next(['c', 'd']);
        channel.next('e');
        channel.complete();
      });
      helpers.expectObservable(repliesOf(handler, requestOf())).toBe('--a-b(cde|)');
      helpers.expectSubscriptions(body$.subscriptions).toBe('^----!');
    });
  });

  it('tells who watches it that it is over, also when its client leaves before the first message', () => {
    marbles((helpers) => {
      const { handler, made } = handlerOf(nothing);
      helpers.expectObservable(repliesOf(handler, requestOf()), '^--!').toBe('---');
      const watched = (): AnyChannel => made[0];
      helpers
        .expectObservable(
          defer(() => watched().buffered$),
          '-^',
        )
        .toBe('-0-|', { 0: 0 });
      helpers
        .expectObservable(
          defer(() => watched().writable$),
          '-^',
        )
        .toBe('-t-(f|)', { t: true, f: false });
      helpers
        .expectObservable(
          defer(() => watched().dropped$),
          '-^',
        )
        .toBe('---|');
    });
  });

  it('lets a body that is a source go when its client leaves', () => {
    marbles((helpers) => {
      const body$ = helpers.cold('-a-b-c');
      const { handler, made } = handlerOf((channel) => channel.next(body$));
      helpers.expectObservable(repliesOf(handler, requestOf()), '^--!').toBe('-a-');
      helpers.expectSubscriptions(body$.subscriptions).toBe('^--!');
      helpers.flush();
      expect(made[0].isOpen).to.equal(false);
    });
  });

  it('keeps what is sent while its body is paused by who transforms it', () => {
    const heard: string[] = [];
    const { handler, made } = handlerOf(nothing);
    const memory = requestOf();
    let body: PausableSubscription | undefined;
    handler(of(memory.request)).subscribe((reply) => {
      const pieces$ = (reply as { body: Pausable<string> }).body; // what an HTTP channel answers with
      body = pieces$.subscribePausable({ next: (piece) => heard.push(piece) });
      body.resume();
    });
    made[0].next('a');
    body?.pause();
    made[0].next('b');
    expect(heard).to.deep.equal(['a']);
    expect(made[0].counts).to.include({ sent: 1, waiting: 1 });
    body?.resume();
    expect(heard).to.deep.equal(['a', 'b']);
  });

  it('is the only channel of its request', () => {
    marbles((helpers) => {
      const memory = requestOf();
      const { handler } = handlerOf((channel) => NEVER.subscribe(channel));
      helpers.expectObservable(repliesOf(handler, memory), '^--!').toBe('---');
      helpers
        .expectObservable(repliesOf(handler, memory).pipe(map(() => 'a reply')), '-^')
        .toBe('-#', {}, new HandlerError('RHK_CHANNEL_TAKEN', 'the request has a channel already'));
    });
  });
});
