import { expect } from 'chai';
import { concat, filter, finalize, map, mergeMap, NEVER, type Observable, of, type OperatorFunction, range, Subject } from 'rxjs';
import type { Handler, Reply, ServerOptions } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import type { MemoryClient } from '#src/testing/memory-client.js';
import type { MemoryStreamOptions } from '#src/testing/memory-stream.js';
import { chunk, fault, get, LAST_CHUNK, play, streamed, undated, VirtualServer, whole } from '../support/virtual-server.js';

/** A server that answers everything with `reply$`, and a client that has asked in frame 1 and stays. */
const asked = (
  { clock, cold }: MarbleHelpers,
  reply$: Observable<Reply>,
  options: Partial<ServerOptions> = {},
  stream: MemoryStreamOptions = {},
): { server: VirtualServer; client: MemoryClient; received$: Observable<string> } => {
  const handler: Handler = mergeMap(() => reply$);
  const server = new VirtualServer(clock, handler, options);
  const client = server.connect(stream);
  play(client, concat(cold('-a', { a: get('/') }), NEVER));
  return { server, client, received$: client.received$.pipe(map(undated)) };
};

/** Long before an idle connection is closed. */
const SOON = '^ 1s !';

describe('a reply', () => {
  it('that is complete in one turn leaves in one write, with its length', () => {
    marbles((helpers) => {
      const { received$, server } = asked(helpers, of('a'));
      const [stream] = server.acceptor.streams;
      helpers.expectObservable(received$, SOON).toBe('-a', { a: whole('a') });
      helpers.flush();
      expect(stream.writes).to.have.lengthOf(1);
    });
  });

  it('of several items in one turn leaves in one write, chunked', () => {
    marbles((helpers) => {
      const { received$ } = asked(helpers, of('a', 'b', 'c'));
      helpers.expectObservable(received$, SOON).toBe('-a', { a: streamed('a', 'b', 'c') + LAST_CHUNK });
    });
  });

  it('is held until the turn ends, not until the next item', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold(' --a---------(b|)');
      const expected = '            ---a---------b';
      const { received$ } = asked(helpers, reply$);
      helpers.expectObservable(received$, SOON).toBe(expected, { a: streamed('a'), b: chunk('b') + LAST_CHUNK });
    });
  });

  it('joins what one turn makes, and keeps turns apart', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold(' -(abc)--(de)---|');
      const expected = '            --a------b------c';
      const { received$ } = asked(helpers, reply$);
      helpers.expectObservable(received$, SOON).toBe(expected, { a: streamed('a', 'b', 'c'), b: chunk('d') + chunk('e'), c: LAST_CHUNK });
    });
  });

  it('of items and bodies that are streams themselves keeps their order', () => {
    marbles((helpers) => {
      const slow$ = helpers.cold('     ---b---(c|)');
      const reply$ = helpers.cold<Reply>('-x-d|', { x: { body: slow$ }, d: 'd' });
      const served = '                 --^------!';
      const expected = '               -----b---c';
      const { received$ } = asked(helpers, reply$);
      helpers.expectObservable(received$.pipe(skipHead), SOON).toBe(expected, { b: chunk('b'), c: chunk('c') + chunk('d') + LAST_CHUNK });
      helpers.expectSubscriptions(slow$.subscriptions).toBe(served);
      helpers.expectSubscriptions(reply$.subscriptions).toBe('-^---!');
    });
  });

  it('whose body is an Observable is let go with the client', () => {
    marbles((helpers) => {
      const body$ = helpers.cold('  -b--c--d--e');
      const reply$ = concat(of({ body: body$ }), NEVER);
      const { client } = asked(helpers, reply$);
      helpers.clock.after(6, () => client.reset());
      helpers.expectSubscriptions(body$.subscriptions).toBe('-^----!');
    });
  });

  it('whose body fails behind its head is cut', () => {
    marbles((helpers) => {
      const body$ = helpers.cold(' -b--#');
      const expected = '           --b--|';
      const { received$, server } = asked(helpers, of({ body: body$ }));
      helpers.expectObservable(received$.pipe(skipHead)).toBe(expected, { b: chunk('b') });
      helpers.flush();
      expect(server.codes).to.deep.equal(['RHK_HANDLER_FAILED']);
    });
  });
});

describe('a slow client', () => {
  const PIECE = 10_000;

  it('pulls an iterable no faster than it takes it', () => {
    marbles((helpers) => {
      let pulled = 0;
      let letGo = 0;
      const generate = function* (): Generator<string> {
        try {
          for (;;) {
            pulled++;
            yield 'x'.repeat(PIECE);
          }
        } finally {
          letGo++;
        }
      };
      const { client } = asked(helpers, of(generate()), {}, { credit: 0 });
      const most: number[] = [];
      for (let step = 1; step <= 50; step++) {
        helpers.clock.after(step * 100, () => {
          most.push(pulled * PIECE - (step - 1) * 50_000);
          client.take(50_000);
        });
      }
      helpers.clock.after(6_000, () => client.reset());
      helpers.flush();
      // The outbox, the socket, and a piece that passed the mark of either.
      for (const octets of most) expect(octets).to.be.at.most(2 * 65_536 + 2 * PIECE);
      expect(pulled * PIECE, 'and no slower').to.be.at.least(50 * 50_000);
      expect(letGo).to.equal(1);
    });
  });

  it('gets all of an iterable in the end', () => {
    marbles((helpers) => {
      const pieces = Array.from({ length: 100 }, (_, index) => `${index};`.repeat(1_000));
      const { client } = asked(helpers, of({ headers: { 'content-length': pieces.join('').length }, body: pieces }), {}, { credit: 0 });
      for (let step = 1; step <= 100; step++) helpers.clock.after(step * 10, () => client.take(10_000));
      helpers.flush();
      expect(client.text.split('\r\n\r\n')[1] === pieces.join('')).to.equal(true);
    });
  });

  it('is cut when more was pushed at it than may wait, and the source let go', () => {
    marbles((helpers) => {
      const piece = 'x'.repeat(PIECE);
      const pushed$ = helpers.cold('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', { a: piece });
      const { server, received$ } = asked(helpers, pushed$, { maxBufferedBytes: 200_000 }, { credit: 0 });
      helpers.expectObservable(received$).toBe('- 20ms #', undefined, 'reset');
      helpers.expectSubscriptions(pushed$.subscriptions).toBe('-^ 19ms !');
      helpers.flush();
      expect(server.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
    });
  });

  it('is not cut while it keeps pace', () => {
    marbles((helpers) => {
      const piece = 'x'.repeat(PIECE);
      const pushed$ = helpers.cold('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa(a|)', { a: piece });
      const { server, client } = asked(helpers, pushed$, { maxBufferedBytes: 200_000 }, { credit: 0 });
      for (let frame = 10; frame < 500; frame += 10) helpers.clock.after(frame, () => client.take(10 * PIECE + 1_000));
      helpers.expectSubscriptions(pushed$.subscriptions).toBe('-^ 38ms !');
      helpers.flush();
      expect(server.codes).to.deep.equal([]);
      expect(client.text.endsWith(LAST_CHUNK)).to.equal(true);
    });
  });

  it('stops a source that never leaves its subscribe', () => {
    marbles((helpers) => {
      let made = 0;
      const endless$ = range(0, 1_000_000).pipe(
        map(() => {
          made++;
          return 'x'.repeat(PIECE);
        }),
      );
      const { server } = asked(helpers, of({ body: endless$ }), { maxBufferedBytes: 200_000 }, { credit: 0 });
      const items = asked(helpers, endless$, { maxBufferedBytes: 200_000 }, { credit: 0 });
      helpers.flush();
      expect(made).to.be.below(100);
      expect([server.codes, items.server.codes]).to.deep.equal([['RHK_SLOW_CLIENT'], ['RHK_SLOW_CLIENT']]);
    });
  });
});

describe('queueSize', () => {
  const busy = fault('503 Service Unavailable', 'the server is busy', 'retry-after: 1\r\n');

  it('refuses at once what finds the queue full, over all connections', () => {
    marbles(({ clock, cold, expectObservable, expectSubscriptions }) => {
      const work$ = cold('     -----(r|)');
      const server = new VirtualServer(
        clock,
        mergeMap(() => work$),
        { queueSize: 2 },
      );
      const ask = (sent: string): Observable<string> => {
        const client = server.connect();
        play(client, concat(cold(sent, { a: get('/') }), NEVER));
        return client.received$.pipe(map(undated));
      };
      const values = { r: whole('r'), x: busy };
      expectObservable(ask('-a'), SOON).toBe('      ------r      ', values);
      expectObservable(ask('---a'), SOON).toBe('    --------r    ', values);
      expectObservable(ask('----a'), SOON).toBe('   ----x        ', values);
      expectObservable(ask('-------a'), SOON).toBe('------------r', values);
      expectSubscriptions(work$.subscriptions).toBe(['-^----!', '---^----!', '-------^----!']);
    });
  });

  it('counts a request until its first item, or until its client leaves', () => {
    marbles(({ clock, flush }) => {
      const starts$ = new Subject<string>();
      let letGo = 0;
      const server = new VirtualServer(
        clock,
        mergeMap(({ uri }) => (uri === '/stream' ? concat(of('a'), NEVER) : starts$).pipe(finalize(() => letGo++))),
        { queueSize: 1 },
      );
      const clients = ['/stream', '/wait', '/stream', '/wait'].map(() => server.connect());
      const send = (index: number, uri: string, frame: number): void => void clock.after(frame, () => clients[index].send(get(uri)));
      send(0, '/stream', 1); // has its first item: does not count
      send(1, '/wait', 2); // counts
      send(2, '/stream', 3); // refused
      clock.after(4, () => clients[1].reset()); // the place is free
      send(3, '/wait', 5);
      clock.after(6, () => {
        for (const client of clients) client.reset();
      });
      flush();
      expect(clients.map(({ text }) => text.slice(9, 12))).to.deep.equal(['200', '', '503', '']);
      expect(server.codes).to.deep.equal(['RHK_ADMISSION_FULL']);
      expect(letGo).to.equal(3);
    });
  });
});

/** Without the head of a streamed reply, and without pieces that were nothing else. */
const skipHead: OperatorFunction<string, string> = (received$) =>
  received$.pipe(
    map((text) => (text.startsWith('HTTP/1.1 ') ? text.slice(text.indexOf('\r\n\r\n') + 4) : text)),
    filter((text) => text !== ''),
  );
