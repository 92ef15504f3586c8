import { expect } from 'chai';
import { concat, defer, delay, map, mergeMap, NEVER, type Observable, of, throwError, timer } from 'rxjs';
import { conflate, dropOldest, feed, type FeedOptions, HttpError, type HttpRequest, type Topic, topic } from 'rx-http-kit';
import { closing, get, head, type MarbleHelpers, marbles, post, text, upgrade, type VirtualClient } from 'rx-http-kit/testing';

/** A life of a source is named by chance: here each is called `e`. */
const plain = (said: string): string => said.replaceAll(/(?<=[" ])[\w-]{12}(?=:\d)/g, 'e');

const replyOf = (client: VirtualClient): Observable<string> => client.reply$().pipe(map(plain));
const framesOf = (client: VirtualClient): Observable<string> => client.frames$.pipe(map(plain));
const answersOf = (client: VirtualClient): Observable<string> =>
  client.replies$.pipe(map(({ status, text: body }) => plain(`${status} ${body}`)));

const SSE = { accept: 'text/event-stream' };
const NDJSON = { accept: 'application/x-ndjson' };

const event = (offset: number, data: string): string => `id: e:${offset}\ndata: "${data}"\n\n`;
const at = (offset: number): string => `id: e:${offset}\n\n`;
const line = (offset: number, data: string): string => `{"id":"e:${offset}","data":"${data}"}\n`;
const frame = (offset: number, data: string): string => `{"id":"e:${offset}","data":"${data}"}`;
const poll = (offset: number, items: string, more: string = ''): string =>
  `200 {"cursor":"e:${offset}","recovered":true,"items":[${items}]${more}}`;
const RETRY = 'retry: 3000\n\n';

describe('feed', () => {
  describe('of a topic', () => {
    it('tells each client what is published, in the way it asks for', () => {
      marbles(({ hot, network, expectObservable }) => {
        const source$ = hot('  --a---b---c');
        const sends = '        -r         ';
        const told = '         -sa---b---c';
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const server = network.server(feed(letters));
        const ask = (request: Buffer): VirtualClient => server.client({ sends, values: { r: request }, vanishes: '15ms #' });
        expectObservable(replyOf(ask(get('/', SSE))), '^ 13ms !').toBe(told, {
          s: at(0),
          a: event(1, 'a'),
          b: event(2, 'b'),
          c: event(3, 'c'),
        });
        expectObservable(replyOf(ask(get('/', NDJSON))), '^ 13ms !').toBe(told, {
          s: '{"cursor":"e:0"}\n',
          a: line(1, 'a'),
          b: line(2, 'b'),
          c: line(3, 'c'),
        });
        expectObservable(framesOf(ask(upgrade('/'))), '^ 13ms !').toBe(told, {
          s: '{"cursor":"e:0"}',
          a: frame(1, 'a'),
          b: frame(2, 'b'),
          c: frame(3, 'c'),
        });
      });
    });

    it('goes on behind a cursor, wherever it is said and whatever transport it came from', () => {
      marbles(({ network, expectObservable }) => {
        const letters = topic<string>('letters');
        for (const letter of ['a', 'b', 'c']) letters.publish(letter);
        const server = network.server(feed(letters));
        const cursor = `${letters.epoch}:1`;
        const ask = (request: Buffer): VirtualClient => server.client({ sends: '-r', values: { r: request }, vanishes: '15ms #' });
        const events = { b: event(2, 'b'), c: event(3, 'c') };
        expectObservable(replyOf(ask(get('/', { ...SSE, 'last-event-id': cursor }))), '^ 9ms !').toBe('-(bc)', events);
        expectObservable(replyOf(ask(get(`/?transport=sse&lastEventId=${cursor}`))), '^ 9ms !').toBe('-(bc)', events);
        expectObservable(replyOf(ask(get(`/?transport=sse&cursor=${encodeURIComponent(cursor)}`))), '^ 9ms !').toBe('-(bc)', events);
        expectObservable(replyOf(ask(get(`/?cursor=${letters.epoch}:3`, { ...SSE, 'last-event-id': cursor }))), '^ 9ms !').toBe(
          '-(bc)',
          events,
        );
        expectObservable(replyOf(ask(get(`/?transport=ndjson&cursor=${cursor}`))), '^ 9ms !').toBe('-(bc)', {
          b: line(2, 'b'),
          c: line(3, 'c'),
        });
        expectObservable(framesOf(ask(upgrade(`/?cursor=${cursor}`))), '^ 9ms !').toBe('-(bc)', {
          b: frame(2, 'b'),
          c: frame(3, 'c'),
        });
        expectObservable(answersOf(ask(get(`/?cursor=${cursor}`))), '^ 9ms !').toBe('-p', {
          p: poll(3, `${frame(2, 'b')},${frame(3, 'c')}`),
        });
      });
    });

    it('says reset where it cannot, with the cursor to go on from, in every way', () => {
      marbles(({ network, expectObservable }) => {
        const letters = topic<string>('letters', { history: 1 });
        for (const letter of ['a', 'b', 'c']) letters.publish(letter);
        const server = network.server(feed(letters, { replay: 1 }));
        const ask = (request: Buffer): VirtualClient => server.client({ sends: '-r', values: { r: request }, vanishes: '15ms #' });
        for (const cursor of [`${letters.epoch}:1`, `${letters.epoch}:9`, 'another:3', 'nonsense', 'x'.repeat(2_000)]) {
          const reset = 'id: e:2\nevent: reset\ndata: {"cursor":"e:2"}\n\n';
          expectObservable(replyOf(ask(get(`/?transport=sse&cursor=${cursor}`))), '^ 9ms !').toBe('-(rc)', { r: reset, c: event(3, 'c') });
          const told = { r: '{"reset":true,"cursor":"e:2"}', c: frame(3, 'c') };
          expectObservable(framesOf(ask(upgrade(`/?cursor=${cursor}`))), '^ 9ms !').toBe('-(rc)', told);
          const lines = { r: `${told.r}\n`, c: line(3, 'c') };
          expectObservable(replyOf(ask(get(`/?transport=ndjson&cursor=${cursor}`))), '^ 9ms !').toBe('-(rc)', lines);
          const answer = poll(3, frame(3, 'c')).replace('"recovered":true', '"recovered":false');
          expectObservable(answersOf(ask(get(`/?cursor=${cursor}`))), '^ 9ms !').toBe('-p', { p: answer });
        }
      });
    });

    describe('whose replay is more than may wait at a time', () => {
      const SIZE = 10_000;
      const ITEMS = 500;

      /** Comes to all of it, on each transport, and takes little at first. @returns The offsets that each was told, and how it ended. */
      const comeBack = ({ network }: MarbleHelpers, letters: Topic<string>, options: FeedOptions<string> = {}) => {
        for (let i = 0; i < ITEMS; i++) letters.publish('x'.repeat(SIZE));
        const server = network.server(feed(letters, { random: () => 0, ...options }), { writeBuffer: 1_000 });
        const told = { sse: '', ndjson: '', websocket: '' };
        const ends = { sse: '', ndjson: '', websocket: '' };
        for (const transport of ['sse', 'ndjson', 'websocket'] as const) {
          const query = `cursor=${letters.epoch}:0`;
          const request = transport === 'websocket' ? upgrade(`/?${query}`) : get(`/?transport=${transport}&${query}`);
          const client = server.client({ sends: '-r', values: { r: request }, reads: '50k-50k- 20ms *', vanishes: '10s #' });
          const said$ = transport === 'websocket' ? client.frames$ : client.reply$();
          said$.subscribe({
            next: (text) => (told[transport] += text),
            error: () => (ends[transport] = 'cut'),
            complete: () => (ends[transport] = told[transport].slice(told[transport].lastIndexOf('x') + 1)),
          });
        }
        const offsets = (): Record<string, number[]> =>
          Object.fromEntries(
            Object.entries(told).map(([transport, text]) => [
              transport,
              [...text.matchAll(/[" ][\w-]{12}:(\d+)/g)].map((id) => Number(id[1])),
            ]),
          );
        return { server, ends, offsets };
      };

      const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
      const onEach = (offsets: number[]): Record<string, number[]> => ({ sse: offsets, ndjson: offsets, websocket: offsets });

      it('gets it as fast as it takes it, and what is published meanwhile behind it', () => {
        marbles((helpers) => {
          const letters = topic<string>('letters');
          const { server, offsets } = comeBack(helpers, letters);
          helpers.at('---a--a 50ms a', () => letters.publish('x'));
          helpers.expectEvents(server).toBe('');
          helpers.flush();
          expect(offsets()).to.deep.equal(onEach(upTo(ITEMS + 3)));
        });
      });

      it('hears the end behind it', () => {
        marbles((helpers) => {
          const letters = topic<string>('letters');
          const { ends, offsets } = comeBack(helpers, letters);
          helpers.at('---a--e', (mark) => (mark === 'a' ? letters.publish('x') : letters.complete()));
          helpers.flush();
          expect(offsets()).to.deep.equal(onEach(upTo(ITEMS + 1)));
          expect(ends).to.deep.equal({ sse: '"\n\nretry: 3000\n\n', ndjson: '"}\n{"ended":true}\n', websocket: '"}close 1000' });
        });
      });

      it('is cut where what is published meanwhile is too much', () => {
        marbles((helpers) => {
          const letters = topic<string>('letters');
          const { server, ends } = comeBack(helpers, letters, { queueSize: 3 });
          helpers.at('---(aaaa)', () => letters.publish('x'));
          helpers.expectEvents(server).toBe('---(eee)', { e: 'RHK_SLOW_CLIENT' });
          helpers.flush();
          expect(ends).to.include({ sse: 'cut', ndjson: 'cut' });
          expect(ends.websocket).to.match(/close 1013/);
        });
      });

      it('is ended where it stands when the server drains', () => {
        marbles((helpers) => {
          const letters = topic<string>('letters');
          const { server, ends, offsets } = comeBack(helpers, letters);
          helpers.at('-----s', () => void server.stop({ timeout: 100 }));
          helpers.flush();
          for (const told of Object.values(offsets())) {
            expect(told.length).to.be.within(5, 100);
            expect(told).to.deep.equal(upTo(told.length));
          }
          expect(ends).to.deep.equal({
            sse: '"\n\nretry: 3000\n\n',
            ndjson: '"}\n{"retryMs":3000}\n',
            websocket: '"}close 1012 retry 3000',
          });
        });
      });
    });

    it('gives one who comes for the first time as many of the latest as it is told to', () => {
      marbles(({ network, expectObservable }) => {
        const letters = topic<string>('letters');
        for (const letter of ['a', 'b', 'c']) letters.publish(letter);
        const server = network.server(feed(letters, { replay: 2 }));
        const client = server.client({ sends: '-r', values: { r: get('/', SSE) }, vanishes: '15ms #' });
        expectObservable(replyOf(client), '^ 9ms !').toBe('-(sbc)', { s: at(1), b: event(2, 'b'), c: event(3, 'c') });
      });
    });

    it('ends its clients when the topic does, and tells those who come back that nothing is left', () => {
      marbles(({ hot, network, expectObservable }) => {
        const source$ = hot('  --a---|         ');
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const server = network.server(feed(letters));
        const ask = (request: Buffer, sends: string = '-r'): VirtualClient =>
          server.client({ sends, values: { r: request }, vanishes: '30ms #' });
        expectObservable(replyOf(ask(get('/', SSE)))).toBe('-sa---(z|)', { s: at(0), a: event(1, 'a'), z: RETRY });
        expectObservable(replyOf(ask(get('/', NDJSON)))).toBe('-sa---(z|)', {
          s: '{"cursor":"e:0"}\n',
          a: line(1, 'a'),
          z: '{"ended":true}\n',
        });
        expectObservable(framesOf(ask(upgrade('/'))), '^ 20ms !').toBe('-sa---(z|)', {
          s: '{"cursor":"e:0"}',
          a: frame(1, 'a'),
          z: 'close 1000',
        });
        const back = '--------r';
        const cursor = `${letters.epoch}:1`;
        expectObservable(answersOf(ask(get(`/?transport=sse&cursor=${cursor}`), back)), '^ 20ms !').toBe('--------n', { n: '204 ' });
        expectObservable(answersOf(ask(get(`/?transport=ndjson&cursor=${cursor}`), back)), '^ 20ms !').toBe('--------n', {
          n: '200 {"ended":true}\n',
        });
        expectObservable(answersOf(ask(get(`/?cursor=${cursor}`), back)), '^ 20ms !').toBe('--------n', {
          n: poll(1, '', ',"ended":true'),
        });
        expectObservable(framesOf(ask(upgrade(`/?cursor=${cursor}`), back)), '^ 20ms !').toBe('--------(z|)', { z: 'close 1000' });
      });
    });

    it('cuts its clients when the topic fails, and says so once', () => {
      marbles(({ hot, network, expectObservable, expectEvents }) => {
        const source$ = hot('  --a---#');
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const server = network.server(feed(letters));
        const ask = (request: Buffer, sends: string = '-r'): VirtualClient =>
          server.client({ sends, values: { r: request }, vanishes: '30ms #' });
        expectObservable(replyOf(ask(get('/', SSE)))).toBe('-sa---#', { s: at(0), a: event(1, 'a') });
        expectObservable(replyOf(ask(get('/', NDJSON)))).toBe('-sa---#', { s: '{"cursor":"e:0"}\n', a: line(1, 'a') });
        expectObservable(framesOf(ask(upgrade('/'))), '^ 20ms !').toBe('-sa---(z|)', {
          s: '{"cursor":"e:0"}',
          a: frame(1, 'a'),
          z: 'close 1011',
        });
        expectObservable(answersOf(ask(get(`/?cursor=${letters.epoch}:1`), '---r')), '^ 20ms !').toBe('------n', {
          n: '500 internal server error',
        });
        expectObservable(answersOf(ask(get(`/?transport=sse&cursor=${letters.epoch}:1`), '--------r')), '^ 20ms !').toBe('--------n', {
          n: '500 internal server error',
        });
        expectEvents(server).toBe('------e', { e: 'RHK_HANDLER_FAILED' });
      });
    });
  });

  describe('long polls', () => {
    it('without a cursor are told where they stand at once', () => {
      marbles(({ network, expectObservable }) => {
        const letters = topic<string>('letters');
        letters.publish('a');
        const server = network.server(feed(letters));
        expectObservable(answersOf(server.client({ sends: '-r', values: { r: get('/') } })), '^ 9ms !').toBe('-p', { p: poll(1, '') });
      });
    });

    it('wait for something new, and get all that one turn publishes', () => {
      marbles(({ hot, network, expectObservable }) => {
        const source$ = hot('  -----(ab)c--');
        const answers = '      -----p      ';
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const server = network.server(feed(letters));
        const client = server.client({ sends: '-r', values: { r: get(`/?cursor=${letters.epoch}:0`) } });
        expectObservable(answersOf(client), '^ 9ms !').toBe(answers, { p: poll(2, `${frame(1, 'a')},${frame(2, 'b')}`) });
      });
    });

    it('are answered with nothing when they have waited for 25 s, or as long as they should', () => {
      marbles(({ network, expectObservable }) => {
        const letters = topic<string>('letters');
        const request = { r: get(`/?cursor=${letters.epoch}:0`) };
        const patient = network.server(feed(letters)).client({ sends: '-r', values: request });
        expectObservable(answersOf(patient), '^ 30s !').toBe('- 25s p', { p: poll(0, '') });
        const quick = network.server(feed(letters, { pollTimeoutMs: 5 })).client({ sends: '-r', values: request });
        expectObservable(answersOf(quick), '^ 9ms !').toBe('------p', { p: poll(0, '') });
      });
    });

    it('get a part at a time of what is much', () => {
      marbles(({ network, expectObservable }) => {
        const letters = topic<string>('letters');
        for (const letter of ['a', 'b', 'c']) letters.publish(letter);
        letters.complete();
        const server = network.server(feed(letters, { maxPollItems: 2 }));
        const values = { r: get(`/?cursor=${letters.epoch}:0`), s: get(`/?cursor=${letters.epoch}:2`) };
        expectObservable(answersOf(server.client({ sends: '-r-s', values })), '^ 9ms !').toBe('-p-q', {
          p: poll(2, `${frame(1, 'a')},${frame(2, 'b')}`),
          q: poll(3, frame(3, 'c'), ',"ended":true'),
        });
      });
    });

    it('leave no timer and no follower behind when their client goes', () => {
      marbles(({ network, scheduler, flush }) => {
        const letters = topic<string>('letters');
        const shared = feed(letters);
        network.server(shared).client({ sends: '-r', values: { r: get(`/?cursor=${letters.epoch}:0`) }, vanishes: '---#' });
        flush();
        expect(scheduler.frame).to.be.below(10_000);
        expect(shared.clients).to.deep.equal({ websocket: 0, sse: 0, ndjson: 0, poll: 0 });
      });
    });
  });

  describe('of an Observable', () => {
    it('is subscribed once for all, while somebody is there and graceMs longer', () => {
      marbles(({ cold, network, expectObservable, expectSubscriptions }) => {
        const source$ = cold('  ----a----b----c----d----');
        const subscribed = '    -^----------------!     '; // 10 ms after the second has left
        const server = network.server(feed(source$, { graceMs: 10 }));
        const first = server.client({ sends: '-r', values: { r: get('/', SSE) }, vanishes: '------#' });
        const second = server.client({ sends: '---r', values: { r: get('/', NDJSON) }, vanishes: '--------#' });
        expectObservable(replyOf(first), '^----!').toBe('-s---', { s: at(0) });
        expectObservable(replyOf(second), '^------!').toBe('---s-a', { s: '{"cursor":"e:0"}\n', a: line(1, 'a') });
        expectSubscriptions(source$.subscriptions).toBe(subscribed);
      });
    });

    it('keeps what comes while nobody is there, and begins a new life when nobody came in time', () => {
      marbles(({ cold, network, at: when, flush, expectSubscriptions }) => {
        const source$ = cold('  --a--b--c--d--e--f--');
        const lives = ['        -^------------------!              ', '------------------------------^-------------!'];
        const server = network.server(feed(source$, { graceMs: 6 }));
        const heard: string[] = [];
        let cursor = '';
        const come = (vanishes: string): void => {
          const client = server.client({ sends: 'r', values: { r: get(`/?transport=ndjson&cursor=${cursor}`) }, vanishes });
          client.reply$().subscribe((said) => {
            const told = JSON.parse(said) as { id?: string; cursor?: string }; // as the feed words it
            cursor = told.id ?? told.cursor ?? cursor;
            heard.push(plain(said).trim());
          });
        };
        when('-x', () => come('----#'));
        when('----------x', () => come('----#'));
        when('------------------------------x', () => come('--------#'));
        flush();
        const [a, b, c, d] = [line(1, 'a'), line(2, 'b'), line(3, 'c'), line(4, 'd')].map((said) => said.trim());
        expect(heard).to.deep.equal([...['{"cursor":"e:0"}', a], ...[b, c, d], ...['{"reset":true,"cursor":"e:0"}', a, b]]);
        expectSubscriptions(source$.subscriptions).toBe(lives);
      });
    });

    it('misses nothing of one that emits at once, and ends with it', () => {
      marbles(({ network, expectObservable }) => {
        const server = network.server(feed(of('a', 'b')));
        const client = server.client({ sends: '-r', values: { r: get('/', SSE) } });
        expectObservable(replyOf(client)).toBe('-(sabz|)', { s: at(0), a: event(1, 'a'), b: event(2, 'b'), z: RETRY });
      });
    });

    it('begins anew after a failure, once for all who come', () => {
      for (const failing$ of [
        throwError(() => new Error('at once')),
        timer(2).pipe(mergeMap(() => throwError(() => new Error('later')))),
      ]) {
        for (const request of [get('/', SSE), get('/', NDJSON), get('/'), upgrade('/')]) {
          marbles(({ network, flush }) => {
            let lives = 0;
            const source$ = defer(() => (++lives === 1 ? concat(of('a'), failing$) : NEVER));
            const server = network.server(feed(source$));
            server.client({ sends: '-r', values: { r: request }, vanishes: '14s #' });
            for (const sends of ['1s r', '12s r']) server.client({ sends, values: { r: get('/', SSE) }, vanishes: '14s #' });
            flush();
            expect(lives).to.equal(2);
          });
        }
      }
    });

    it('begins anew after a failure', () => {
      marbles(({ cold, network, expectObservable, expectSubscriptions }) => {
        const source$ = cold('    --#');
        const server = network.server(feed(source$));
        const ask = (sends: string): VirtualClient => server.client({ sends, values: { r: get('/', SSE) } });
        expectObservable(replyOf(ask('-r'))).toBe('-s-#', { s: at(0) });
        expectObservable(replyOf(ask('-----r'))).toBe('-----s-#', { s: at(0) });
        expectSubscriptions(source$.subscriptions).toBe(['-^-!', '-----^-!']);
      });
    });
  });

  describe('with slow clients', () => {
    const BIG = 'A'.repeat(100_000);

    it('does with each what the policy says, tells of drops, and leaves the others alone', () => {
      marbles(({ hot, network, flush }) => {
        const source$ = hot('  --a-b-c-d-|', { a: BIG, b: 'b', c: 'c', d: 'd' });
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const shared = feed(letters, { overflow: dropOldest(), queueSize: 2 });
        const server = network.server(shared, { writeBuffer: 1_000 });
        const drops: string[] = [];
        shared.dropped$.subscribe(({ transport, reason, count, request }) => drops.push(`${transport} ${reason} ${count} ${request.uri}`));
        const heard: Record<string, string> = { slow: '', fast: '', socket: '' };
        const listen = (name: string, said$: Observable<string>): unknown =>
          said$.subscribe((said) => (heard[name] += said.replace(/A+/, 'A')));
        const reads = '0-------------------*';
        listen('slow', replyOf(server.client({ sends: '-r', values: { r: get('/slow', SSE) }, reads })));
        listen('fast', replyOf(server.client({ sends: '-r', values: { r: get('/fast', SSE) } })));
        listen('socket', framesOf(server.client({ sends: '-r', values: { r: upgrade('/socket') }, reads })));
        flush();
        expect(heard['fast']).to.equal(at(0) + event(1, 'A') + event(2, 'b') + event(3, 'c') + event(4, 'd') + RETRY);
        expect(heard['slow']).to.equal(at(0) + event(1, 'A') + event(3, 'c') + event(4, 'd') + RETRY);
        expect(heard['socket']).to.equal(`{"cursor":"e:0"}${frame(1, 'A')}${frame(3, 'c')}${frame(4, 'd')}close 1000`);
        expect(drops).to.deep.equal(['sse drop-oldest 1 /slow', 'websocket drop-oldest 1 /socket']);
      });
    });

    it('says no id where conflation has changed the order, and the cursor when the order is right again', () => {
      marbles(({ hot, network, flush }) => {
        const source$ = hot('  --a-b-c-d-------------------e', { a: BIG, b: 'x1', c: 'y1', d: 'x2', e: 'z1' });
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const options: FeedOptions<string> = { overflow: conflate((value) => value[0]) };
        const server = network.server(feed(letters, options), { writeBuffer: 1_000 });
        const heard: Record<string, string> = { sse: '', socket: '' };
        const reads = '0-------------------*';
        const listen = (name: string, said$: Observable<string>): unknown =>
          said$.subscribe({ next: (said) => (heard[name] += said.replace(/A+/, 'A')), error: () => {} });
        listen('sse', replyOf(server.client({ sends: '-r', values: { r: get('/', SSE) }, reads, vanishes: '40ms #' })));
        listen('socket', framesOf(server.client({ sends: '-r', values: { r: upgrade('/') }, reads, vanishes: '40ms #' })));
        flush();
        expect(heard['sse']).to.equal(`${at(0)}${event(1, 'A')}data: "x2"\n\ndata: "y1"\n\n${event(5, 'z1')}`);
        expect(heard['socket']).to.equal(`{"cursor":"e:0"}${frame(1, 'A')}{"data":"x2"}{"data":"y1"}{"cursor":"e:4"}${frame(5, 'z1')}`);
      });
    });

    it('says the cursor with the next heartbeat, where nothing new comes', () => {
      marbles(({ hot, network, flush }) => {
        const source$ = hot('  --a-b', { a: BIG, b: 'x1' });
        const letters = topic<string>('letters');
        source$.subscribe(letters);
        const server = network.server(feed(letters, { overflow: conflate((value) => value[0]), heartbeatMs: 10 }), { writeBuffer: 1_000 });
        const client = server.client({ sends: '-r', values: { r: get('/', SSE) }, reads: '0-------*', vanishes: '35ms #' });
        let heard = '';
        replyOf(client).subscribe({ next: (said) => (heard += said.replace(/A+/, 'A')), error: () => {} });
        flush();
        expect(heard).to.equal(`${at(0)}${event(1, 'A')}data: "x1"\n\n${at(2)}:\n\n:\n\n`);
      });
    });
  });

  it('tells all also where a middleware holds the reply up, and follows nothing meanwhile', () => {
    marbles(({ hot, network, expectObservable, flush }) => {
      const sends = '   -r';
      const source$ = hot('--a---b--c');
      const told = '    ----s-b--c';
      const letters = topic<string>('letters');
      source$.subscribe(letters);
      const handler = feed(letters);
      const server = network.server((requests$) => requests$.pipe(handler, delay(3)));
      const client = (request: Buffer): VirtualClient => server.client({ sends, values: { r: request }, vanishes: '-----------#' });
      const values = { s: at(1), b: event(2, 'b'), c: event(3, 'c') };
      expectObservable(replyOf(client(get('/', SSE))), '^---------!').toBe(told, values);
      const lines = { s: '{"cursor":"e:1"}\n', b: line(2, 'b'), c: line(3, 'c') };
      expectObservable(replyOf(client(get('/', NDJSON))), '^---------!').toBe(told, lines);
      server.client({ sends, values: { r: get('/', SSE) }, vanishes: '--#' });
      flush();
      expect(handler.clients).to.deep.equal({ websocket: 0, sse: 0, ndjson: 0, poll: 0 });
    });
  });

  it('encodes an item once, however many are told of it and in however many ways', () => {
    marbles(({ hot, network, flush }) => {
      const source$ = hot('  --a--b', { a: { n: 1 }, b: { n: 2 } });
      const values = topic<object>('values');
      source$.subscribe(values);
      const encoded: unknown[] = [];
      const encode = (value: object): string => {
        encoded.push(value);
        return JSON.stringify(value);
      };
      const server = network.server(feed(values, { codec: { encode, contentType: 'application/json' } }));
      for (const request of [get('/', SSE), get('/', SSE), get('/', NDJSON), upgrade('/'), get(`/?cursor=${values.epoch}:0`)]) {
        server.client({ sends: '-r', values: { r: request }, vanishes: '20ms #' });
      }
      for (const sends of ['--------r', '----------r']) {
        server.client({ sends, values: { r: get(`/?cursor=${values.epoch}:0`, SSE) }, vanishes: '20ms #' });
      }
      flush();
      expect(encoded).to.deep.equal([{ n: 1 }, { n: 2 }]);
    });
  });

  it('passes over an item that cannot be encoded: told once to who watches, a gap in the ids for all', () => {
    marbles(({ hot, network, expectObservable, expectEvents }) => {
      const source$ = hot<unknown>('  --a--x--b', { a: 'a', x: 1n, b: 'b' });
      const told = '                  -sa-----b';
      const values = topic<unknown>('values');
      source$.subscribe(values);
      const server = network.server(feed(values));
      const ask = (request: Buffer): VirtualClient => server.client({ sends: '-r', values: { r: request }, vanishes: '20ms #' });
      expectObservable(replyOf(ask(get('/', SSE))), '^ 14ms !').toBe(told, { s: at(0), a: event(1, 'a'), b: event(3, 'b') });
      expectObservable(framesOf(ask(upgrade('/'))), '^ 14ms !').toBe(told, { s: '{"cursor":"e:0"}', a: frame(1, 'a'), b: frame(3, 'b') });
      expectEvents(server).toBe('-----e', { e: 'RHK_HANDLER_FAILED' });
    });
  });

  it('makes a JSON string of text that is none, and takes an event type', () => {
    marbles(({ hot, network, expectObservable }) => {
      const source$ = hot('  --a', { a: 'say "a"' });
      const letters = topic<string>('letters');
      source$.subscribe(letters);
      const server = network.server(feed(letters, { codec: { encode: (value) => value }, event: 'word' }));
      const ask = (request: Buffer): VirtualClient => server.client({ sends: '-r', values: { r: request }, vanishes: '20ms #' });
      expectObservable(replyOf(ask(get('/', SSE))), '^ 14ms !').toBe('-sa', { s: at(0), a: 'id: e:1\nevent: word\ndata: say "a"\n\n' });
      expectObservable(framesOf(ask(upgrade('/'))), '^ 14ms !').toBe('-sa', {
        s: '{"cursor":"e:0"}',
        a: '{"id":"e:1","data":"say \\"a\\""}',
      });
    });
  });

  describe('requests', () => {
    it('of HEAD get the fields of their transport, and follow nothing', () => {
      marbles(({ cold, network, expectHeads, expectSubscriptions }) => {
        const source$ = cold('a');
        const server = network.server(feed(source$));
        const ask = (fields: Record<string, string>): VirtualClient => server.client({ sends: '-r', values: { r: head('/', fields) } });
        expectHeads(ask(SSE), 'content-type', 'content-length').toBe('-h', { h: '200 OK\ncontent-type: text/event-stream' });
        expectHeads(ask(NDJSON), 'content-type').toBe('-h', { h: '200 OK\ncontent-type: application/x-ndjson' });
        expectHeads(ask({}), 'content-type', 'cache-control', 'content-length').toBe('-h', {
          h: '200 OK\ncontent-type: application/json\ncache-control: no-store, no-transform',
        });
        expectSubscriptions(source$.subscriptions).toBe([]);
      });
    });

    it('of other methods get 405, and a transport that is none 400', () => {
      marbles(({ network, expectReplies, expectHeads }) => {
        const server = network.server(feed(NEVER));
        const client = server.client({ sends: '-r-s', values: { r: post('/', 'x'), s: get('/?transport=carrier-pigeon') } });
        expectReplies(client).toBe('-r-s', { r: '405 a feed is read with GET', s: '400 transport must be sse, ndjson or poll' });
        expectHeads(client, 'allow').toBe('-r-s', { r: '405 Method Not Allowed\nallow: GET, HEAD', s: '400 Bad Request' });
      });
    });

    it('find their own source, which may be none, or a refusal', () => {
      marbles(({ network, expectReplies }) => {
        const rooms = new Map([['/a', topic<string>('a')]]);
        const handler = feed<string>(({ uri }) => {
          if (uri === '/secret') throw new HttpError(403, 'no');
          return rooms.get(uri);
        });
        const server = network.server(handler);
        const client = server.client({ sends: '-abc', values: { a: get('/a?transport=poll'), b: get('/b'), c: get('/secret') } });
        expectReplies(client).toBe('-abc', {
          a: `200 {"cursor":"${rooms.get('/a')?.cursor}","recovered":true,"items":[]}`,
          b: '404 not found',
          c: '403 no',
        });
      });
    });

    it('of WebSockets are not heard, but for their close', () => {
      marbles(({ hot, network, expectObservable, expectEvents }) => {
        const letters = topic<string>('letters');
        hot('--a').subscribe(letters);
        const shared = feed(letters);
        const server = network.server(shared);
        const client = server.client({ sends: '-r-x-c', values: { r: upgrade('/'), x: text('hello?'), c: closing(1000) } });
        expectObservable(framesOf(client)).toBe('-sa--(z|)', { s: '{"cursor":"e:0"}', a: frame(1, 'a'), z: 'close 1000' });
        expectEvents(server).toBe('');
        hot('--------x').subscribe(() => expect(shared.clients.websocket).to.equal(0));
      });
    });
  });

  describe('a server that stops', () => {
    const random = (): number => 0.5;

    it('tells each client in its way to come back, and answers polls at once', () => {
      marbles(({ network, at: when, expectObservable, expectStatus }) => {
        const letters = topic<string>('letters');
        const server = network.server(feed(letters, { random, retryMs: 1_000, retryJitterMs: 400 }));
        const ask = (request: Buffer): VirtualClient => server.client({ sends: '-r', values: { r: request } });
        when('-----s', () => void server.stop({ timeout: 100 }));
        expectObservable(replyOf(ask(get('/', SSE)))).toBe('-(gs)(z|)', { g: 'retry: 1000\n\n', s: at(0), z: 'retry: 1200\n\n' });
        expectObservable(replyOf(ask(get('/', NDJSON)))).toBe('-s---(z|)', { s: '{"cursor":"e:0"}\n', z: '{"retryMs":1200}\n' });
        expectObservable(framesOf(ask(upgrade('/')))).toBe('-s---(z|)', { s: '{"cursor":"e:0"}', z: 'close 1012 retry 1200' });
        expectObservable(answersOf(ask(get(`/?cursor=${letters.epoch}:0`))), '^ 9ms !').toBe('-----p', {
          p: poll(0, '', ',"retryMs":1200'),
        });
        expectStatus(server).toBe('a----(bc|)', { a: 'running', b: 'stopping', c: 'stopped' });
      });
    });

    it('does the same to those who join while it drains', () => {
      marbles(({ network, at: when, expectObservable, expectStatus }) => {
        const letters = topic<string>('letters');
        letters.publish('a');
        const late = (requests$: Observable<HttpRequest>): Observable<HttpRequest> => requests$.pipe(delay(7));
        const answer = feed(letters, { random, retryMs: 1_000, retryJitterMs: 400, replay: 1 });
        const server = network.server((requests$) => requests$.pipe(late, answer));
        const ask = (request: Buffer): VirtualClient => server.client({ sends: '-r', values: { r: request } });
        when('-----s', () => void server.stop({ timeout: 100 }));
        const told = { s: at(0), a: event(1, 'a'), z: 'retry: 1200\n\n' };
        expectObservable(replyOf(ask(get('/', SSE)))).toBe('--------(gsaz|)', { g: 'retry: 1000\n\n', ...told });
        const lines = { s: '{"cursor":"e:0"}\n', a: line(1, 'a'), z: '{"retryMs":1200}\n' };
        expectObservable(replyOf(ask(get('/', NDJSON)))).toBe('--------(saz|)', lines);
        const frames = { s: '{"cursor":"e:0"}', a: frame(1, 'a'), z: 'close 1012 retry 1200' };
        expectObservable(framesOf(ask(upgrade('/')))).toBe('--------(saz|)', frames);
        expectObservable(answersOf(ask(get(`/?cursor=${letters.epoch}:1`))), '^ 12ms !').toBe('--------p', {
          p: poll(1, '', ',"retryMs":1200'),
        });
        expectStatus(server).toBe('a----b--(c|)', { a: 'running', b: 'stopping', c: 'stopped' });
      });
    });

    it('has forgotten those who left before', () => {
      marbles(({ network, at: when, flush }) => {
        let drained = 0;
        const count = (): number => {
          drained++;
          return 0;
        };
        const server = network.server(feed(topic<string>('letters'), { random: count }));
        for (const request of [upgrade('/'), get('/', SSE), get('/', NDJSON), get('/?cursor=a:1')]) {
          server.client({ sends: '-r', values: { r: request }, vanishes: '---#' });
        }
        server.client({ sends: '-r', values: { r: get('/', SSE) } });
        when('-----s', () => void server.stop({ timeout: 100 }));
        flush();
        expect(drained).to.equal(1);
      });
    });

    it('leaves the clients of another server with the same feed alone, and does the same when that stops', () => {
      marbles(({ hot, network, at: when, expectObservable }) => {
        const letters = topic<string>('letters');
        hot('--------a').subscribe(letters);
        const shared = feed(letters, { random, retryMs: 1_000, retryJitterMs: 0 });
        const [first, second] = [network.server(shared), network.server(shared)];
        when('-----s', () => void first.stop({ timeout: 100 }));
        when('-----------s', () => void second.stop({ timeout: 100 }));
        const values = { r: get('/', NDJSON) };
        const told = { s: '{"cursor":"e:0"}\n', a: line(1, 'a'), z: '{"retryMs":1000}\n' };
        expectObservable(replyOf(first.client({ sends: '-r', values }))).toBe(' -s---(z|)', told);
        expectObservable(replyOf(second.client({ sends: '-r', values }))).toBe('-s------a--(z|)', told);
      });
    });

    it('ends the clients of one that has little time while another one drains that has much', () => {
      marbles(({ network, at: when, expectObservable }) => {
        const shared = feed(topic<string>('letters'), { random, retryMs: 1_000, retryJitterMs: 0 });
        const [slow, hasty] = [network.server(shared), network.server(shared)];
        for (let i = 0; i < 200; i++) slow.client({ sends: '-r', values: { r: get('/', NDJSON) } });
        when('-----s', () => void slow.stop({ timeout: Infinity }));
        when('-----s', () => void hasty.stop({ timeout: 60 }));
        const told = { s: '{"cursor":"e:0"}\n', z: '{"retryMs":1000}\n' };
        expectObservable(replyOf(hasty.client({ sends: '-r', values: { r: get('/', NDJSON) } }))).toBe('-s---(z|)', told);
      });
    });

    it('can close WebSockets with 1001 instead', () => {
      marbles(({ network, at: when, expectObservable }) => {
        const server = network.server(feed(topic<string>('letters'), { random, restartCode: 1001 }));
        const client = server.client({ sends: '-r', values: { r: upgrade('/') } });
        when('-----s', () => void server.stop({ timeout: 100 }));
        expectObservable(framesOf(client)).toBe('-s---(z|)', { s: '{"cursor":"e:0"}', z: 'close 1001 retry 5500' });
      });
    });

    it('ends many in batches over half of its time, each with a moment of its own', () => {
      marbles(({ network, at: when, flush }) => {
        const chances = [0, 0.25, 0.5, 0.75];
        let turn = 0;
        const shared = feed(topic<string>('letters'), { random: () => chances[turn++ % 4], retryMs: 1_000, retryJitterMs: 400 });
        const server = network.server(shared);
        const retries: string[] = [];
        for (let i = 0; i < 110; i++) {
          const request = i % 2 === 0 ? get('/', SSE) : get('/', NDJSON);
          const client = server.client({ sends: '-r', values: { r: request } });
          let last = '';
          client.reply$().subscribe({
            next: (said) => (last = said),
            error: () => retries.push('cut'),
            complete: () => retries.push(/1\d00/.exec(last)?.[0] ?? 'not told'),
          });
        }
        const left: number[] = [];
        const count = (): unknown => left.push(shared.clients.sse + shared.clients.ndjson);
        when('-----s', () => void server.stop({ timeout: 100 }));
        when('-----x 9ms x 9ms x 9ms x 9ms x 9ms x', count);
        flush();
        expect(left).to.deep.equal([110, 88, 66, 44, 22, 0]); // five batches of 22, 10 ms apart, each behind the look of its frame
        const told = ['1000', '1100', '1200', '1300'].map((retryMs) => retries.filter((retry) => retry === retryMs).length);
        expect(told).to.deep.equal([28, 28, 27, 27]);
      });
    });

    it('cuts all with a timeout of 0', () => {
      marbles(({ network, at: when, expectObservable }) => {
        const server = network.server(feed(topic<string>('letters')));
        const client = server.client({ sends: '-r', values: { r: get('/', SSE) } });
        when('-----s', () => void server.stop({ timeout: 0 }));
        expectObservable(replyOf(client)).toBe('-s---#', { s: at(0) });
      });
    });
  });
});
