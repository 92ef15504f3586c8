import { expect } from 'chai';
import { asyncScheduler, concat, EMPTY, map, merge, NEVER, Observable, of } from 'rxjs';
import {
  dropOldest,
  eventStream,
  fromReadable,
  json,
  type EventStreamOptions,
  type Reply,
  type ResponseHeaders,
  type ServerSentEvent,
  suspend,
} from 'rx-http-kit';
import { get, head, marbles, post, type VirtualClient } from 'rx-http-kit/testing';

const GET = { r: get('/') };
const FIELDS = ['content-type', 'cache-control', 'x-accel-buffering'];
const HEAD = '200 OK\ncontent-type: text/event-stream\ncache-control: no-store, no-transform\nx-accel-buffering: no';
const RETRY = 'retry: 3000\n\n';
/** Of a source diagram: a and b are text, the others events. */
const EVENTS: Readonly<Record<string, ServerSentEvent | string>> = {
  a: 'a',
  b: 'b',
  c: { event: 'tick', id: '7', data: 'c' },
  x: { id: 'x\n' },
};
const A = 'data: a\n\n';
const B = 'data: b\n\n';
const C = 'id: 7\nevent: tick\ndata: c\n\n';

describe('eventStream', () => {
  it('tells the head at once, each event as it comes, and when to come back at the end', () => {
    marbles(({ cold, network, expectReply, expectHeads, expectSubscriptions }) => {
      const source$ = cold('   --a-bc---|    ', EVENTS);
      const subscribed = '    -^--------!    ';
      const sends = '         -r             ';
      const heads = '         -h             ';
      const reply = '         ---a-bc---(z|) ';
      const server = network.server(eventStream(() => source$));
      const client = server.client({ sends, values: GET });
      expectHeads(client, ...FIELDS).toBe(heads, { h: HEAD });
      expectReply(client).toBe(reply, { a: A, b: B, c: C, z: RETRY });
      expectSubscriptions(source$.subscriptions).toBe(subscribed);
    });
  });

  it('goes on to its end where the source is done at once', () => {
    marbles(({ network, expectReply }) => {
      const server = network.server(eventStream(() => of('a', 'b')));
      expectReply(server.client({ sends: '-r', values: GET })).toBe('-(abz|)', { a: A, b: B, z: RETRY });
    });
  });

  it('tells when to come back at the start where it was asked to, also before the first event', () => {
    marbles(({ cold, network, expectReply }) => {
      const source$ = cold('  ----a|   ');
      const reply = '        -g---a(z|)';
      const server = network.server(eventStream(() => source$, { retryMs: 500 }));
      expectReply(server.client({ sends: '-r', values: GET })).toBe(reply, { g: 'retry: 500\n\n', a: A, z: 'retry: 500\n\n' });
    });
  });

  it('is cut where the source fails, and says why to who watches only', () => {
    marbles(({ cold, network, expectReply, expectEvents, expectSubscriptions }) => {
      const source$ = cold('  --a-#  ');
      const subscribed = '   -^---!  ';
      const server = network.server(eventStream(() => source$));
      expectReply(server.client({ sends: '-r', values: GET })).toBe('---a-#', { a: A });
      expectEvents(server).toBe('-----e', { e: 'RHK_HANDLER_FAILED' });
      expectSubscriptions(source$.subscriptions).toBe(subscribed);
    });
  });

  it('is cut by an event that cannot be said, and lets its source go', () => {
    marbles(({ cold, network, expectReply, expectEvents, expectSubscriptions }) => {
      const source$ = cold('  --a-x-b', EVENTS);
      const subscribed = '   -^---!  ';
      const server = network.server(eventStream(() => source$));
      expectReply(server.client({ sends: '-r', values: GET })).toBe('---a-#', { a: A });
      expectEvents(server).toBe('-----e', { e: 'RHK_BAD_EVENT' });
      expectSubscriptions(source$.subscriptions).toBe(subscribed);
    });
  });

  it('lets its source go when the client leaves', () => {
    marbles(({ cold, network, expectSubscriptions, expectConnections }) => {
      const source$ = cold('  --a-b-c-');
      const subscribed = '   -^---!   ';
      const server = network.server(eventStream(() => source$));
      server.client({ sends: '-r', values: GET, vanishes: '-----#' });
      expectConnections(server).toBe('a----b', { a: 1, b: 0 });
      expectSubscriptions(source$.subscriptions).toBe(subscribed);
    });
  });

  describe('heartbeat', () => {
    it('comes after 15 s of silence, and again after each, counted from what was said last', () => {
      marbles(({ cold, network, expectReply }) => {
        const source$ = cold('10s a 24999ms |');
        const server = network.server(eventStream(() => source$));
        const reply = '      - 10s a 14999ms h 9999ms (z|)';
        expectReply(server.client({ sends: '-r', values: GET })).toBe(reply, { a: A, h: ':\n\n', z: RETRY });
      });
    });

    it('comes as often as asked for, before the first event too', () => {
      marbles(({ cold, network, expectReply }) => {
        const source$ = cold('-----------a--|');
        const server = network.server(eventStream(() => source$, { heartbeatMs: 4 }));
        const reply = '      -----h---h--a--(z|)';
        expectReply(server.client({ sends: '-r', values: GET })).toBe(reply, { a: A, h: ':\n\n', z: RETRY });
      });
    });

    it('comes to each client in its own time, whoever else comes, hears something or leaves', () => {
      marbles(({ cold, network, expectReply }) => {
        const sources: Record<string, Observable<string>> = {
          '/silent': NEVER,
          '/busy': cold('---a--b-----------------------'),
          '/ending': cold('-----|'),
        };
        const server = network.server(eventStream(({ uri }) => sources[uri], { heartbeatMs: 10 }));
        const ask = (uri: string, sends: string): VirtualClient => server.client({ sends, values: { r: get(uri) }, vanishes: '40ms #' });
        const values = { a: A, b: B, h: ':\n\n', z: RETRY };
        expectReply(ask('/busy', '  -r')).toBe('----a--b 9ms h 9ms h 9ms h', values);
        expectReply(ask('/silent', '--r')).toBe('-- 10ms h 9ms h 9ms h', values);
        expectReply(ask('/ending', '---r')).toBe('--------(z|)', values);
        expectReply(ask('/silent', '---r')).toBe('--- 10ms h 9ms h 9ms h', values);
        expectReply(ask('/busy', '  15ms r')).toBe('15ms ---a--b 9ms h', values);
      });
    });

    it('knows that a clock began anew: a handler lives in one test behind the other', () => {
      const handler = eventStream(() => NEVER, { heartbeatMs: 10 });
      for (const hold of [5, 200]) {
        marbles(
          ({ network, expectReply }) => {
            const client = network.server(handler).client({ sends: '-r', values: { r: get('/') }, vanishes: '25ms #' });
            network.server(handler).client({ sends: `${hold}ms r`, values: { r: get('/') } });
            expectReply(client).toBe('- 10ms h 9ms h', { h: ':\n\n' });
          },
          { horizonMs: 1_000 },
        );
      }
    });

    it('is left out while something waits: what the client does not take is life enough', () => {
      marbles(({ cold, network, at, flush }) => {
        const source$ = cold('   a-b|', { a: 'x'.repeat(200_000), b: 'b' });
        const reads = '         -1k------------------*';
        const looks = '         --------------------s';
        const endless$ = concat(source$, NEVER);
        const server = network.server(
          eventStream(() => endless$, { heartbeatMs: 4 }),
          { writeBuffer: 1_000 },
        );
        const client = server.client({ sends: '-r', values: GET, reads, vanishes: '30ms #' });
        let text = '';
        client.reply$().subscribe({ next: (piece) => (text += piece), error: () => {} });
        const early: boolean[] = [];
        at(looks, () => early.push(text.includes(':\n\n')));
        flush();
        expect(early).to.deep.equal([false]);
        expect(text.replace(/x+/, 'x')).to.equal('data: x\n\ndata: b\n\n:\n\n:\n\n');
      });
    });

    it('comes in time also where the clock is set back', () => {
      marbles(({ at, network, expectReply, flush }) => {
        const { now } = asyncScheduler;
        const setBack = (): void => {
          asyncScheduler.now = () => now() - 3_600_000;
        };
        try {
          const server = network.server(eventStream(() => NEVER, { heartbeatMs: 10 }));
          const client = server.client({ sends: '-r', values: { r: get('/') }, vanishes: '40ms #' });
          at('  -----b', setBack);
          expectReply(client).toBe('- 10ms h 9ms h 9ms h', { h: ':\n\n' });
          flush();
        } finally {
          asyncScheduler.now = now;
        }
      });
    });

    it('leaves no timer behind', () => {
      marbles(({ network, scheduler, flush }) => {
        const server = network.server(eventStream(() => EMPTY));
        const other = network.server(eventStream(() => NEVER));
        server.client({ sends: '-r', values: GET, vanishes: '---|' });
        other.client({ sends: '-r', values: GET, vanishes: '---#' });
        flush();
        expect(scheduler.actions).to.deep.equal([]);
      });
    });
  });

  describe('requests', () => {
    it('of HEAD get the fields, and nothing is subscribed', () => {
      marbles(({ network, expectHeads, expectReplies }) => {
        const server = network.server(
          eventStream(() => {
            throw new Error('asked for HEAD');
          }),
        );
        const client = server.client({ sends: '-r', values: { r: head('/') } });
        expectHeads(client, ...FIELDS, 'content-length').toBe('-h', { h: HEAD }); // of no length, as for GET: RFC 9110 §8.6
        expectReplies(client).toBe('-r', { r: '200 ' });
      });
    });

    it('of other methods get the stream, as language models are asked by POST', () => {
      marbles(({ cold, network, expectReply }) => {
        const server = network.server(eventStream(() => cold<string>('--a|')));
        expectReply(server.client({ sends: '-r', values: { r: post('/', 'prompt') } })).toBe('---a(z|)', { a: A, z: RETRY });
      });
    });

    it('can be answered with another response, as 204 ends an EventSource for good', () => {
      marbles(({ network, expectReplies }) => {
        const server = network.server(eventStream(() => ({ status: 204 })));
        expectReplies(server.client({ sends: '-r', values: GET })).toBe('-r', { r: '204 ' });
      });
    });
  });

  it('ends well behind an event that is larger than what may wait', () => {
    marbles(({ network, expectReplies, expectSubscriptions, cold }) => {
      const source$ = cold('(b|)');
      const served = '      -(^!)';
      const sent = '        -r';
      const reads = '       1k---*';
      const reply = '       ------r';
      const data = 'b'.repeat(2_000_000);
      const server = network.server(eventStream(() => source$.pipe(map(() => data))));
      expectReplies(server.client({ sends: sent, reads, values: GET })).toBe(reply, { r: `200 data: ${data}\n\n${RETRY}` });
      expectSubscriptions(source$.subscriptions).toBe(served);
    });
  });

  it('sends data through a codec', () => {
    marbles(({ cold, network, expectReply }) => {
      const source$ = cold<ServerSentEvent<unknown>>('--a-b-x|', {
        a: { data: { n: 1 }, id: '1' },
        b: { data: 'text' },
        x: { event: 'e' },
      });
      const server = network.server(eventStream(() => source$, { codec: json }));
      const reply = '                                ---a-b-x(z|)';
      const values = { a: 'id: 1\ndata: {"n":1}\n\n', b: 'data: "text"\n\n', x: 'event: e\ndata: \n\n', z: RETRY };
      expectReply(server.client({ sends: '-r', values: GET })).toBe(reply, values);
    });
  });

  it('does with a slow client what the policy says', () => {
    marbles(({ cold, network, flush }) => {
      const events = { a: 'A'.repeat(100_000), b: 'b', c: 'c', d: 'd' };
      const source$ = cold('a-b-c-d-|', events);
      const options: EventStreamOptions<string> = { overflow: dropOldest(), queueSize: 2 };
      const server = network.server(
        eventStream(() => source$, options),
        { writeBuffer: 1_000 },
      );
      const client = server.client({ sends: '-r', values: GET, reads: '--------------*' });
      let text = '';
      client.reply$().subscribe((piece) => (text += piece));
      flush();
      expect(text.replace(/A+/, 'A')).to.equal(`data: A\n\ndata: c\n\ndata: d\n\n${RETRY}`);
    });
  });

  it('pulls a source that can wait only as fast as the client takes it, and ends as any other', () => {
    marbles(({ network, at, flush }) => {
      let pulled = 0;
      const lines = function* (): Generator<string> {
        for (; pulled < 2_000; pulled++) yield 'x'.repeat(1_000);
      };
      const server = network.server(
        eventStream(() => fromReadable(lines()), { overflow: suspend() }),
        { writeBuffer: 1_000 },
      );
      const client = server.client({ sends: '-r', values: GET, reads: '-----4k-----*' });
      let text = '';
      client.reply$().subscribe((piece) => (text += piece));
      const seen: number[] = [];
      at('--x----x', () => seen.push(pulled));
      flush();
      expect(seen[0], 'before the client takes any').to.be.within(1, 200);
      expect(seen[1], 'when it has taken 4 KiB').to.be.within(seen[0], 200);
      expect(pulled).to.equal(2_000);
      expect(text).to.equal(`data: ${'x'.repeat(1_000)}\n\n`.repeat(2_000) + RETRY);
    });
  });

  it('ends with its source, whatever a finalizer of that throws', () => {
    marbles(({ cold, network, expectReply, expectEvents }) => {
      const failing$ = new Observable<string>((subscriber) => {
        const subscription = cold('--a-|').subscribe({ next: (value) => subscriber.next(value), complete: () => subscriber.complete() });
        return () => {
          subscription.unsubscribe();
          throw new Error('finalizer');
        };
      });
      const server = network.server(eventStream(() => failing$));
      expectReply(server.client({ sends: '-r', values: GET })).toBe('---a-(z|)', { a: A, z: RETRY });
      expectEvents(server).toBe('-----e', { e: 'RHK_HANDLER_FAILED' });
    });
  });

  it('refuses a source that cannot wait where it should', () => {
    marbles(({ network, expectReplies, expectEvents }) => {
      const server = network.server(eventStream(() => of('a'), { overflow: suspend() }));
      expectReplies(server.client({ sends: '-r', values: GET })).toBe('-r', { r: '500 internal server error' });
      expectEvents(server).toBe('-e', { e: 'RHK_CANNOT_SUSPEND' });
    });
  });

  describe('a server that stops', () => {
    const random = (): number => 0.5;

    it('tells each client when to come back, and ends it', () => {
      marbles(({ cold, network, at, expectReply, expectStatus, expectSubscriptions }) => {
        const source$ = cold('  --a-----b--');
        const subscribed = '   -^----!     ';
        const stops = '        ------s     ';
        const reply = '        ---a--(z|)  ';
        const server = network.server(eventStream(() => source$, { random, retryMs: undefined }));
        at(stops, () => void server.stop({ timeout: 100 }));
        expectReply(server.client({ sends: '-r', values: GET })).toBe(reply, { a: A, z: 'retry: 5500\n\n' });
        expectStatus(server).toBe('a-----(bc|)', { a: 'running', b: 'stopping', c: 'stopped' });
        expectSubscriptions(source$.subscriptions).toBe(subscribed);
      });
    });

    it('lets the source go at once, also where the client has not taken all', () => {
      marbles(({ cold, network, at, expectSubscriptions, flush }) => {
        const source$ = cold('  ab----------c', { a: 'x'.repeat(100_000), b: 'b', c: 'c' });
        const subscribed = '    -^----!      ';
        const stops = '         ------s      ';
        const reads = '         0-----------------*';
        const server = network.server(
          eventStream(() => source$, { random }),
          { writeBuffer: 1_000 },
        );
        at(stops, () => void server.stop({ timeout: 100 }));
        let text = '';
        server
          .client({ sends: '-r', values: GET, reads })
          .reply$()
          .subscribe((piece) => (text += piece));
        flush();
        expect(text.replace(/x+/, 'x')).to.equal('data: x\n\ndata: b\n\nretry: 5500\n\n');
        expectSubscriptions(source$.subscriptions).toBe(subscribed);
      });
    });

    it('ends all, whatever a finalizer throws', () => {
      marbles(({ network, at, expectStatus, expectEvents, flush }) => {
        const failing$ = new Observable<string>((subscriber) => {
          subscriber.next('x'.repeat(100_000));
          return () => {
            throw new Error('finalizer');
          };
        });
        const server = network.server(
          eventStream(() => failing$, { random }),
          { writeBuffer: 1_000 },
        );
        at('----s', () => void server.stop({ timeout: 100 }));
        const last: string[] = [];
        for (let i = 0; i < 3; i++) {
          const client = server.client({ sends: '-r', values: GET, reads: '0--------*' });
          client.reply$().subscribe((piece) => (last[i] = piece.slice(-13)));
        }
        expectStatus(server).toBe('a---b-----(c|)', { a: 'running', b: 'stopping', c: 'stopped' });
        expectEvents(server).toBe('----(eee)-|', { e: 'RHK_HANDLER_FAILED' });
        flush();
        expect(last).to.deep.equal(Array(3).fill('retry: 5500\n\n'));
      });
    });

    it('ends each of two subscriptions to one body', () => {
      marbles(({ cold, network, at, expectReply, expectSubscriptions, expectStatus }) => {
        const source$ = cold('--a--');
        const twice = map((reply: Reply) => {
          const { headers, body } = reply as { headers: ResponseHeaders; body: Observable<string> }; // of an event stream
          return { headers, body: merge(body, body) };
        });
        const stream = eventStream(() => source$, { random, heartbeatMs: 10 });
        const server = network.server((requests$) => requests$.pipe(stream, twice));
        at('20ms s', () => void server.stop({ timeout: 100 }));
        expectReply(server.client({ sends: '-r', values: GET })).toBe('---(aa) 6ms (hh) 3ms (zz|)', {
          a: A,
          h: ':\n\n',
          z: 'retry: 5500\n\n',
        });
        expectSubscriptions(source$.subscriptions).toBe(['-^ 18ms !', '-^ 18ms !']);
        expectStatus(server).toBe('a 19ms (bc|)', { a: 'running', b: 'stopping', c: 'stopped' });
      });
    });

    it('leaves a stream that should finish to itself', () => {
      marbles(({ cold, network, at, expectReply }) => {
        const source$ = cold('  --a-----b-|');
        const stops = '        ------s     ';
        const reply = '        ---a-----b-(z|)';
        const server = network.server(eventStream(() => source$, { whenDraining: 'finish' }));
        at(stops, () => void server.stop({ timeout: 100 }));
        expectReply(server.client({ sends: '-r', values: GET })).toBe(reply, { a: A, b: B, z: RETRY });
      });
    });

    it('cuts all with a timeout of 0', () => {
      marbles(({ cold, network, at, expectReply }) => {
        const server = network.server(eventStream(() => cold<string>('--a-----b--')));
        at('                   ------s', () => void server.stop({ timeout: 0 }));
        expectReply(server.client({ sends: '-r', values: GET })).toBe('---a--#', { a: A });
      });
    });
  });
});
