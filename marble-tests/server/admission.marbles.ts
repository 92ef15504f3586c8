import { expect } from 'chai';
import { concat, map, mergeMap, NEVER, type Observable } from 'rxjs';
import { admit, type AdmitOptions, type Handler, type ServerOptions, websocket } from 'rx-http-kit';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import { chunk, fault, get, LAST_CHUNK, play, streamed, undated, VirtualServer, whole } from '../support/virtual-server.js';

const BUSY = fault('503 Service Unavailable', 'the server is busy', 'retry-after: 7\r\n');
const UPGRADE = `${get('/').slice(0, -2)}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n`;

/** `a` is a GET of /, `w` a handshake. */
const SENT = { a: get('/'), w: UPGRADE };

const REPLIES = { r: whole('r'), x: BUSY };

/** A server behind a gate; `ask` connects a client that acts as its diagram says, and gives what it receives. */
const behindGate = (
  { clock, cold }: MarbleHelpers,
  handler: Handler,
  options: Partial<AdmitOptions> = {},
  serverOptions: Partial<ServerOptions> = {},
) => {
  const gate = admit({ concurrency: 1, retryAfter: 7, ...options });
  const server = new VirtualServer(clock, gate(handler), serverOptions);
  const ask = (sent: string): Observable<string> => {
    const client = server.connect();
    play(client, sent.includes('|') || sent.includes('#') ? cold(sent, SENT) : concat(cold(sent, SENT), NEVER));
    return client.received$.pipe(map(undated));
  };
  const counts$ = gate.pressure$.pipe(map(({ active, waiting }) => `${active}+${waiting}`));
  return { server, ask, counts$ };
};

// Of diagrams of what is sent: `|` is FIN, `#` is RST.
describe('admission of a server', () => {
  it('answers in order, and refuses with a 503, over all connections', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions, flush } = helpers;
      const work$ = cold('                 ----(r|)        ');
      const served = ['                    -^---!          ', '-----^---!', '---------^---!'];
      const { server, ask } = behindGate(
        helpers,
        mergeMap(() => work$),
        { queueSize: 2 },
      );
      const until = '                      -------------------!';
      expectObservable(ask('-a'), until).toBe('  -----r          ', REPLIES);
      expectObservable(ask('--a'), until).toBe(' ---------r      ', REPLIES);
      expectObservable(ask('---a'), until).toBe('-------------r  ', REPLIES);
      expectObservable(ask('----a'), until).toBe('----x         ', REPLIES);
      expectSubscriptions(work$.subscriptions).toBe(served);
      flush();
      expect(server.codes).to.deep.equal(['RHK_ADMISSION_FULL']);
      expect(server.events[0]).to.include({ type: 'overload', uri: '/' });
    });
  });

  it('refuses who has waited too long, and keeps the connection for the next', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions, flush } = helpers;
      const work$ = cold('                      ------(r|)  ');
      const { server, ask } = behindGate(
        helpers,
        mergeMap(() => work$),
        { maxWaitMs: 3 },
      );
      const until = '                           ----------------!';
      expectObservable(ask('-a'), until).toBe(' -------r        ', REPLIES);
      expectObservable(ask('--a------a'), until).toBe('-----x---------r', REPLIES);
      expectSubscriptions(work$.subscriptions).toBe(['-^-----!', '---------^-----!']);
      flush();
      expect(server.codes).to.deep.equal(['RHK_ADMISSION_TIMEOUT']);
    });
  });

  for (const [how, sent] of [
    ['is reset', '--a-#'],
    ['closes its half', '--a-|'],
  ] as const) {
    it(`never runs the request of a client that ${how} while it waits`, () => {
      marbles((helpers) => {
        const { cold, expectObservable, expectSubscriptions } = helpers;
        const work$ = cold('                    ------(r|)  ');
        const { ask, counts$ } = behindGate(
          helpers,
          mergeMap(() => work$),
        );
        expectObservable(ask('-a'), '-----------!').toBe('-------r', REPLIES);
        ask(sent).subscribe({ error: () => {} });
        expectObservable(counts$).toBe('012-1--0', { 0: '0+0', 1: '1+0', 2: '1+1' });
        expectSubscriptions(work$.subscriptions).toBe(['-^-----!']);
      });
    });
  }

  it('holds a slot while a body is streamed', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const body$ = cold('                       --p--(q|)      ');
      const { ask, counts$ } = behindGate(
        helpers,
        map(() => body$),
      );
      const values = { h: streamed(), p: chunk('p'), q: `${chunk('q')}${LAST_CHUNK}` };
      const replies = ask('-a');
      expectObservable(replies, '------------!').toBe('-h-p--q', values);
      expectObservable(ask('--a'), '------------!').toBe('------h-p--q', values);
      expectObservable(counts$).toBe('             012---1----0', { 0: '0+0', 1: '1+0', 2: '1+1' });
      expectSubscriptions(body$.subscriptions).toBe(['-^----!', '------^----!']);
    });
  });

  it('holds a slot while a WebSocket is open', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const { ask, counts$ } = behindGate(
        helpers,
        websocket(() => NEVER),
        { queueSize: 0 },
      );
      ask('-w---#').subscribe({ error: () => {} });
      expectObservable(ask('--w').pipe(map((text) => text.slice(0, 12))), '----!').toBe('--(x|)', { x: 'HTTP/1.1 503' });
      expectObservable(counts$).toBe('01---0', { 0: '0+0', 1: '1+0' });
    });
  });

  it('lets those who wait when it stops be served as long as there is time, and never runs the rest', () => {
    marbles((helpers) => {
      const { clock, cold, expectObservable, expectSubscriptions, flush } = helpers;
      const work$ = cold('                 ------(r|)');
      const { server, ask, counts$ } = behindGate(
        helpers,
        mergeMap(() => work$),
      );
      clock.after(5, () => void server.server.stop({ timeout: 5 }));
      const received = [ask('-a'), ask('--a'), ask('---a')];
      expectObservable(received[0]).toBe('-------(r|)', { r: whole('r', 'connection: close\r\n') });
      expectObservable(received[1]).toBe('----------|');
      expectObservable(received[2]).toBe('----------|');
      expectSubscriptions(work$.subscriptions).toBe(['-^-----!', '-------^--!']);
      expectObservable(counts$).toBe('0123---2--(10)', { 0: '0+0', 1: '1+0', 2: '1+1', 3: '1+2' });
      flush();
      expect(server.codes).to.deep.equal([]);
    });
  });
});
