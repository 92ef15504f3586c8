import { expect } from 'chai';
import { concat, map, mergeMap, NEVER, type Observable, of, range } from 'rxjs';
import type { Reply } from 'rx-http-kit';
import {
  type ClientScript,
  get,
  marbles,
  type MarbleHelpers,
  type VirtualClient,
  type VirtualServer,
  type VirtualServerOptions,
} from 'rx-http-kit/testing';
import { byPath } from '../support/by-path.js';
import { chunk, fault, LAST_CHUNK, streamed, whole } from '../support/octets.js';

/** A server that answers everything with `reply$`, and a client that asks in frame 1. */
const asked = (
  { network }: MarbleHelpers,
  reply$: Observable<Reply>,
  script: ClientScript = {},
  options: VirtualServerOptions = {},
): { server: VirtualServer; client: VirtualClient } => {
  const server = network.server(
    mergeMap(() => reply$),
    options,
  );
  return { server, client: server.client({ sends: '-r', values: { r: get('/') }, ...script }) };
};

/** Long before an idle connection is closed. */
const SOON = { horizonMs: 1_000 };

describe('a reply', () => {
  it('that is complete in one turn leaves in one write, with its length', () => {
    marbles((helpers) => {
      const sent = '    -r';
      const expected = '-r';
      const { client } = asked(helpers, of('a'), { sends: sent });
      helpers.expectBytes(client).toBe(expected, { r: whole('a') });
    }, SOON);
  });

  it('of several items in one turn leaves in one write, chunked', () => {
    marbles((helpers) => {
      const sent = '    -r';
      const expected = '-r';
      const { client } = asked(helpers, of('a', 'b', 'c'), { sends: sent });
      helpers.expectBytes(client).toBe(expected, { r: streamed('a', 'b', 'c') + LAST_CHUNK });
    }, SOON);
  });

  it('is held until the turn ends, not until the next item', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('--a---------(b|)');
      const sent = '              -r';
      const expected = '          ---a---------b';
      const { client } = asked(helpers, reply$, { sends: sent });
      helpers.expectBytes(client).toBe(expected, { a: streamed('a'), b: chunk('b') + LAST_CHUNK });
    }, SOON);
  });

  it('joins what one turn makes, and keeps turns apart', () => {
    marbles((helpers) => {
      const reply$ = helpers.cold('-(abc)--(de)---|');
      const sent = '              -r';
      const expected = '          --a------b------c';
      const { client } = asked(helpers, reply$, { sends: sent });
      helpers.expectBytes(client).toBe(expected, { a: streamed('a', 'b', 'c'), b: chunk('d') + chunk('e'), c: LAST_CHUNK });
    }, SOON);
  });

  it('of items and bodies that are streams themselves keeps their order', () => {
    marbles((helpers) => {
      const slow$ = helpers.cold('         ---b---(c|)');
      const reply$ = helpers.cold<Reply>('-x-d|', { x: { body: slow$ }, d: 'd' });
      const sent = '                     -r';
      const servedBody = '               --^------!';
      const servedReply = '              -^---!';
      const expected = '                 --h--b---c';
      const { client } = asked(helpers, reply$, { sends: sent });
      helpers.expectBytes(client).toBe(expected, { h: streamed(), b: chunk('b'), c: chunk('c') + chunk('d') + LAST_CHUNK });
      helpers.expectSubscriptions(slow$.subscriptions).toBe(servedBody);
      helpers.expectSubscriptions(reply$.subscriptions).toBe(servedReply);
    }, SOON);
  });

  it('whose body is an Observable is let go with the client', () => {
    marbles((helpers) => {
      const body$ = helpers.cold('-b--c--d--e');
      const sent = '             -r----#';
      const subscribed = '       -^----!';
      asked(helpers, concat(of({ body: body$ }), NEVER), { sends: sent });
      helpers.expectSubscriptions(body$.subscriptions).toBe(subscribed);
    });
  });

  it('whose body fails behind its head is cut', () => {
    marbles((helpers) => {
      const body$ = helpers.cold('-b--#');
      const sent = '             -r';
      const expected = '         --b--#'; // no last chunk
      const closed = '           -----e';
      const told = '             -----f';
      const { server, client } = asked(helpers, of({ body: body$ }), { sends: sent });
      helpers.expectReply(client).toBe(expected);
      helpers.expectClosed(client).toBe(closed, { e: 'end' });
      helpers.expectEvents(server).toBe(told, { f: 'RHK_HANDLER_FAILED' });
    });
  });
});

describe('a slow client', () => {
  const PIECE = 10_000;
  const piece = 'x'.repeat(PIECE);
  const BUFFERED = { maxBufferedBytes: 200_000 };

  it('pulls an iterable no faster than it takes it', () => {
    let pulled = 0;
    let letGo = 0;
    const generate = function* (): Generator<string> {
      try {
        for (;;) {
          pulled++;
          yield piece;
        }
      } finally {
        letGo++;
      }
    };
    const ahead: number[] = [];
    marbles((helpers) => {
      const reads = ' 95ms 50000'.repeat(50);
      const looks = ' 94ms l-----'.repeat(50); // just before each read
      const vanishes = '6s #';
      asked(helpers, of(generate()), { reads, vanishes });
      helpers.at(looks, () => ahead.push(pulled * PIECE - ahead.length * 50_000));
    });
    // The outbox, the socket, and a piece that passed the mark of either.
    for (const octets of ahead) expect(octets).to.be.at.most(2 * 65_536 + 2 * PIECE);
    expect(ahead).to.have.lengthOf(50);
    expect(pulled * PIECE, 'and no slower').to.be.at.least(50 * 50_000);
    expect(letGo).to.equal(1);
  });

  it('gets all of an iterable in the end', () => {
    const pieces = Array.from({ length: 100 }, (_, index) => `${index};`.repeat(1_000));
    const body = pieces.join('');
    marbles((helpers) => {
      const reads = ' 5ms 10000'.repeat(100);
      const expected = '295ms r';
      const { client } = asked(helpers, of({ headers: { 'content-length': body.length }, body: pieces }), { reads });
      helpers.expectReplies(client).toBe(expected, { r: `200 ${body}` });
    });
  });

  it('is cut when more was pushed at it than may wait, and the source let go', () => {
    marbles((helpers) => {
      const pushed$ = helpers.cold('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', { a: piece });
      const reads = '              -';
      const subscribed = '         -^ 19ms !';
      const closed = '             - 20ms r';
      const told = '               - 20ms s';
      const { server, client } = asked(helpers, pushed$, { reads }, BUFFERED);
      helpers.expectClosed(client).toBe(closed, { r: 'reset' });
      helpers.expectEvents(server).toBe(told, { s: 'RHK_SLOW_CLIENT' });
      helpers.expectSubscriptions(pushed$.subscriptions).toBe(subscribed);
    });
  });

  it('is not cut while it keeps pace', () => {
    marbles((helpers) => {
      const pushed$ = helpers.cold('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa(a|)', { a: piece });
      const reads = ` 10ms ${'101000 4ms '.repeat(49)}`;
      const subscribed = '-^ 38ms !';
      const replied = '    40ms r';
      const { server, client } = asked(helpers, pushed$, { reads }, BUFFERED);
      helpers.expectReplies(client).toBe(replied, { r: `200 ${piece.repeat(40)}` });
      helpers.expectEvents(server).toBe('');
      helpers.expectSubscriptions(pushed$.subscriptions).toBe(subscribed);
    });
  });

  it('stops a source that never leaves its subscribe', () => {
    let made = 0;
    marbles((helpers) => {
      const endless$ = range(0, 1_000_000).pipe(
        map(() => {
          made++;
          return piece;
        }),
      );
      const told = '-s';
      for (const reply$ of [of({ body: endless$ }), endless$]) {
        const { server } = asked(helpers, reply$, { reads: '-' }, BUFFERED);
        helpers.expectEvents(server).toBe(told, { s: 'RHK_SLOW_CLIENT' });
      }
    });
    expect(made).to.be.below(100);
  });
});

describe('queueSize', () => {
  it('refuses at once what finds the queue full, over all connections', () => {
    marbles(({ cold, network, expectBytes, expectSubscriptions }) => {
      const work$ = cold('-----(r|)');
      const sentA = '  -r';
      const sentB = '  ---r';
      const sentC = '  ----r';
      const sentD = '  -------r';
      const servedA = '-^----!';
      const servedB = '---^----!';
      const servedD = '-------^----!';
      const answerA = '------a';
      const answerB = '--------a';
      const answerC = '----x';
      const answerD = '------------a';
      const server = network.server(
        mergeMap(() => work$),
        { queueSize: 2 },
      );
      const [a, b, c, d] = [sentA, sentB, sentC, sentD].map((sends) => server.client({ sends, values: { r: get('/') } }));
      expectBytes(a).toBe(answerA, { a: whole('r') });
      expectBytes(b).toBe(answerB, { a: whole('r') });
      expectBytes(c).toBe(answerC, { x: fault('503 Service Unavailable', 'the server is busy', 'retry-after: 1\r\n') });
      expectBytes(d).toBe(answerD, { a: whole('r') });
      expectSubscriptions(work$.subscriptions).toBe([servedA, servedB, servedD]);
    }, SOON);
  });

  it('counts a request until its first item, or until its client leaves', () => {
    marbles(({ cold, network, expectHeads, expectEvents, expectSubscriptions }) => {
      const stream$ = cold('(s)');
      const wait$ = cold('   -');
      const sentA = '      -s----#'; // has its first item: does not count
      const sentB = '      --w-#'; // counts, until it leaves
      const sentC = '      ---s--#';
      const sentD = '      -----w#'; // the place is free
      const servedA = '    -^----!';
      const servedB = '    --^-!';
      const servedD = '    -----^!';
      const headA = '      -h';
      const headC = '      ---x';
      const told = '       ---f';
      const server = network.server(byPath({ '/stream': stream$, '/wait': wait$ }), { queueSize: 1 });
      const values = { s: get('/stream'), w: get('/wait') };
      const [a, b, c, d] = [sentA, sentB, sentC, sentD].map((sends) => server.client({ sends, values }));
      expectHeads(a).toBe(headA, { h: '200 OK' });
      expectHeads(b).toBe('');
      expectHeads(c).toBe(headC, { x: '503 Service Unavailable' });
      expectHeads(d).toBe('');
      expectEvents(server).toBe(told, { f: 'RHK_ADMISSION_FULL' });
      expectSubscriptions(stream$.subscriptions).toBe(servedA);
      expectSubscriptions(wait$.subscriptions).toBe([servedB, servedD]);
    });
  });
});
