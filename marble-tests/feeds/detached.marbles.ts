import { expect } from 'chai';
import { config, finalize, map, Observable } from 'rxjs';
import { detached, type DetachedOptions, feed, HttpError, type HttpRequest, lastEventIdOf } from 'rx-http-kit';
import { get, head, type MarbleHelpers, marbles, type VirtualClient, type VirtualServer } from 'rx-http-kit/testing';

const plain = (said: string): string => said.replaceAll(/(?<=[" ])[\w-]{12}(?=:\d)/g, 'e');

const replyOf = (client: VirtualClient): Observable<string> => client.reply$().pipe(map(plain));

const token = (offset: number, data: string): string => `id: e:${offset}\ndata: "${data}"\n\n`;
const reset = (offset: number): string => `id: e:${offset}\nevent: reset\ndata: {"cursor":"e:${offset}"}\n\n`;
const TOKENS = { a: token(1, 'a'), b: token(2, 'b'), c: token(3, 'c'), d: token(4, 'd'), e: token(5, 'e'), z: 'retry: 3000\n\n' };
const keyOf: DetachedOptions['keyOf'] = ({ uri }) => uri;

/** Epochs are named by chance: a client that comes back says the cursor that the one before it was told last. */
class Reader {
  cursor = '';
  private readonly server: VirtualServer;

  constructor(server: VirtualServer) {
    this.server = server;
  }

  come(script: { readonly uri?: string; readonly vanishes?: string } = {}): VirtualClient {
    const fields = { accept: 'text/event-stream', ...(this.cursor === '' ? {} : { 'last-event-id': this.cursor }) };
    const { uri = '/1', vanishes } = script;
    const client = this.server.client({ sends: 'r', values: { r: get(uri, fields) }, ...(vanishes === undefined ? {} : { vanishes }) });
    client.reply$().subscribe({ next: (said) => (this.cursor = /id: (.*)/.exec(said)?.[1] ?? this.cursor), error: () => {} });
    return client;
  }
}

/** All that clients hear, by the frame in which they come: `comes` has a marble for each. */
const listening = ({ at, clock }: MarbleHelpers, reader: Reader, comes: string, vanishes: readonly (string | undefined)[]): string[] => {
  const heard: string[] = [];
  let count = 0;
  at(comes, () => {
    const gone = vanishes[count++];
    const client = reader.come(gone === undefined ? {} : { vanishes: gone });
    replyOf(client).subscribe({
      next: (said) => heard.push(`${clock.frame} ${said.replaceAll('\n', '~')}`),
      error: () => heard.push(`${clock.frame} cut`),
      complete: () => heard.push(`${clock.frame} |`),
    });
    client.heads$.subscribe(({ status }) => status !== 200 && heard.push(`${clock.frame} ${status}`));
  });
  return heard;
};

const AT_START = 'id: e:0\n\n';

const told = (frame: number, text: string): string => `${frame} ${text.replaceAll('\n', '~')}`;

describe('detached', () => {
  it('tells of the end, and makes room, whatever a finalizer of the producer throws', () => {
    const { onUnhandledError } = config;
    const unhandled: unknown[] = [];
    config.onUnhandledError = (error) => unhandled.push(error);
    try {
      marbles((helpers) => {
        const tokens$ = helpers.cold('--a--|');
        const failing$ = new Observable<string>((subscriber) => {
          const subscription = tokens$.subscribe({ next: (value) => subscriber.next(value), complete: () => subscriber.complete() });
          return () => {
            subscription.unsubscribe();
            throw new Error('finalizer');
          };
        });
        const server = helpers.network.server(feed(detached(() => failing$, { keyOf, ttlMs: 6, maxStreams: 1 })));
        const heard = listening(helpers, new Reader(server), 'x', [undefined]);
        helpers.at('20ms x', () => server.client({ sends: 'r', values: { r: get('/2') } }));
        helpers.expectEvents(server).toBe('');
        helpers.flush();
        expect(heard).to.deep.equal([told(0, AT_START), told(2, TOKENS.a), told(5, TOKENS.z), '5 |']);
      });
    } finally {
      config.onUnhandledError = onUnhandledError;
    }
  });

  it('goes on without its client, and gives it what it missed when it comes back', () => {
    marbles((helpers) => {
      const tokens$ = helpers.cold('--a--b--c--d--e--|');
      const subscribed = '          -^----------------!';
      const comes = '               -x--------x';
      const server = helpers.network.server(feed(detached(() => tokens$, { keyOf })));
      const heard = listening(helpers, new Reader(server), comes, ['----#', undefined]);
      helpers.flush();
      expect(heard).to.deep.equal([
        told(1, AT_START),
        told(3, TOKENS.a),
        told(10, TOKENS.b),
        told(10, TOKENS.c), // published at 9, while nobody was there
        told(12, TOKENS.d),
        told(15, TOKENS.e),
        told(18, TOKENS.z),
        '18 |',
      ]);
      helpers.expectSubscriptions(tokens$.subscriptions).toBe(subscribed);
    });
  });

  it('is let go ttlMs after its last client, exactly once, and started again for who comes later, who is told', () => {
    marbles((helpers) => {
      let letGo = 0;
      const tokens$ = helpers.cold('--a--b--c--d--e--f--g--h');
      const lives = ['              -^---------!', '---------------------^---------!'];
      const comes = '               -x-------------------x';
      const source = detached(() => tokens$.pipe(finalize(() => letGo++)), { keyOf, ttlMs: 6 });
      const server = helpers.network.server(feed(source));
      const heard = listening(helpers, new Reader(server), comes, ['----#', '----#']);
      helpers.flush();
      expect(heard).to.deep.equal([told(1, AT_START), told(3, TOKENS.a), told(21, reset(0)), told(23, TOKENS.a)]);
      expect(letGo).to.equal(2);
      helpers.expectSubscriptions(tokens$.subscriptions).toBe(lives);
    });
  });

  it('keeps its end for those who come back for it, then says that nothing is left', () => {
    marbles((helpers) => {
      const tokens$ = helpers.cold('--a--b--c|');
      const subscribed = '          -^--------!';
      const comes = '               -x-----------x-x------x';
      const server = helpers.network.server(feed(detached(() => tokens$, { keyOf, ttlMs: 10 })));
      const heard = listening(helpers, new Reader(server), comes, ['----#', undefined, undefined, '---#']);
      helpers.flush();
      expect(heard).to.deep.equal([
        told(1, AT_START),
        told(3, TOKENS.a),
        told(13, TOKENS.b),
        told(13, TOKENS.c),
        told(13, TOKENS.z),
        '13 |',
        '15 204', // an EventSource stops here
        '15 |',
        told(22, reset(0)), // ttlMs behind its end, at 20, it was forgotten
        told(24, TOKENS.a),
      ]);
      helpers.expectSubscriptions(tokens$.subscriptions).toBe([subscribed, '----------------------^--------!']);
    });
  });

  it('keeps its failure too: who was cut off by it is not started again', () => {
    marbles((helpers) => {
      const tokens$ = helpers.cold('--a--b--#');
      const comes = '               -x----------x-x';
      const server = helpers.network.server(feed(detached(() => tokens$, { keyOf })));
      const heard = listening(helpers, new Reader(server), comes, ['----#', undefined, undefined]);
      helpers.expectEvents(server).toBe('------------e', { e: 'RHK_HANDLER_FAILED' });
      helpers.flush();
      expect(heard).to.deep.equal([
        told(1, AT_START),
        told(3, TOKENS.a),
        told(12, TOKENS.b),
        told(12, TOKENS.z),
        '12 |', // not cut: that would take b with it
        '14 500', // an EventSource stops here
        told(14, 'internal server error'),
        '14 |',
      ]);
      helpers.expectSubscriptions(tokens$.subscriptions).toBe('-^-------!');
    });
  });

  it('is one producer for all that name it, each with everything from the start', () => {
    marbles(({ cold, network, expectObservable, expectSubscriptions }) => {
      const one$ = cold(' --a--b-----|');
      const two$ = cold(' -d|');
      const server = network.server(feed(detached(({ uri }) => (uri === '/1' ? one$ : two$), { keyOf })));
      const ask = (uri: string, sends: string): Observable<string> =>
        replyOf(server.client({ sends, values: { r: get(uri, { accept: 'text/event-stream' }) } }));
      const values = { ...TOKENS, s: AT_START };
      expectObservable(ask('/1', '-r')).toBe('      -s-a--b-----(z|)', values);
      expectObservable(ask('/1', '-------r')).toBe('-------(sab)(z|)', values);
      expectObservable(ask('/2', '-r')).toBe('      -sd(z|)', { ...values, d: token(1, 'd') });
      expectSubscriptions(one$.subscriptions).toBe('-^----------!');
      expectSubscriptions(two$.subscriptions).toBe('-^-!');
    });
  });

  it('says reset where the start is not kept any more', () => {
    marbles((helpers) => {
      const tokens$ = helpers.cold('(abcd)----e');
      const server = helpers.network.server(feed(detached(() => tokens$, { keyOf, replay: 2 })));
      const heard = listening(helpers, new Reader(server), '-x', ['-----#']);
      const late = listening(helpers, new Reader(server), '----x', ['-----#']);
      helpers.flush();
      expect(heard.map((line) => line.slice(0, 3))).to.deep.equal(['1 i', '1 i', '1 i', '1 i', '1 i']);
      expect(late).to.deep.equal([told(4, reset(2)), told(4, TOKENS.c), told(4, TOKENS.d)]);
    });
  });

  it('runs so many at a time: one that has ended makes room, else 503', () => {
    marbles(({ cold, network, expectObservable, expectEvents, expectSubscriptions }) => {
      const endless$ = cold('a-------------------');
      const short$ = cold('  --|                 ');
      const start = ({ uri }: HttpRequest): Observable<string> => (uri === '/short' ? short$ : endless$);
      const server = network.server(feed(detached(start, { keyOf, maxStreams: 2, ttlMs: 100 })));
      const statusOf = (uri: string, sends: string): Observable<number> =>
        server
          .client({ sends, values: { r: get(uri, { accept: 'text/event-stream' }) }, vanishes: '20ms #' })
          .heads$.pipe(map(({ status }) => status));
      const statuses = { o: 200, x: 503 };
      expectObservable(statusOf('/short', '-r        ')).toBe('-o        ', statuses);
      expectObservable(statusOf('/a', '    -r        ')).toBe('-o        ', statuses);
      expectObservable(statusOf('/b', '    --r       ')).toBe('--x       ', statuses); // short runs still
      expectObservable(statusOf('/b', '    -----r    ')).toBe('-----o    ', statuses); // it has ended: forgotten
      expectObservable(statusOf('/a', '    ------r   ')).toBe('------o   ', statuses); // the same producer
      expectObservable(statusOf('/c', '    -------r  ')).toBe('-------x  ', statuses);
      expectEvents(server).toBe('--x----x', { x: 'RHK_TOO_MANY_STREAMS' });
      expectSubscriptions(endless$.subscriptions).toBe(['-^ 118ms !', '-----^ 114ms !']);
    });
  });

  it('starts nothing for HEAD, and lets go of what nobody followed', () => {
    marbles(({ cold, network, expectSubscriptions, flush, scheduler }) => {
      const tokens$ = cold('a');
      let started = 0;
      const source = detached(
        () => {
          started++;
          return tokens$;
        },
        { keyOf, ttlMs: 5 },
      );
      const server = network.server(feed(source));
      const bad = { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-version': 7 };
      server.client({ sends: '-h', values: { h: head('/1') }, vanishes: '----#' });
      for (const sends of ['-h', '---------------h']) server.client({ sends, values: { h: get('/1', bad) }, vanishes: '20ms #' });
      flush();
      expect(started).to.equal(2); // 14 ms lie between the two: the first was forgotten
      expectSubscriptions(tokens$.subscriptions).toBe([]);
      expect(scheduler.actions).to.deep.equal([]);
    });
  });

  it('leaves a request to others where it starts nothing, and refuses as it is told', () => {
    marbles(({ cold, network, expectReplies }) => {
      const source = detached<string>(
        (request) => {
          if (lastEventIdOf(request) !== undefined) throw new HttpError(410, 'too late');
          return request.uri === '/1' ? cold('a') : undefined;
        },
        { keyOf },
      );
      const server = network.server(feed(source));
      const client = server.client({ sends: '-a-b', values: { a: get('/2'), b: get('/1', { 'last-event-id': 'gone:1' }) } });
      expectReplies(client).toBe('-a-b', { a: '404 not found', b: '410 too late' });
    });
  });
});
