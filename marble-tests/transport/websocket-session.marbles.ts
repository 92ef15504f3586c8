import { delay, map, merge, NEVER, timer } from 'rxjs';
import { websocket } from 'rx-http-kit';
import { closing, marbles, text, upgrade } from 'rx-http-kit/testing';

describe('WebSocketSession', () => {
  describe('a client that closes', () => {
    const values = { u: upgrade('/'), t: text('hi'), c: closing(1000) };

    it('gets its answers first, also when it has sent FIN', () => {
      marbles(({ network, expectFrames, expectClosed }) => {
        const server = network.server(websocket((messages$) => messages$.pipe(delay(5))));
        const client = server.client({ sends: 'u-t-c|', values });
        expectFrames(client).toBe('           -------(tc|)', { t: 'hi', c: 'close 1000' });
        expectClosed(client).toBe('           -------n', { n: 1000 });
      });
    });

    it('gets its answers, also when it has said all before the handler has opened it', () => {
      marbles(({ network, expectFrames, expectClosed }) => {
        const server = network.server((requests$) =>
          requests$.pipe(
            delay(10),
            websocket((messages$) => messages$.pipe(delay(5))),
          ),
        );
        const client = server.client({ sends: 'u-t-c|', values });
        expectFrames(client).toBe('           ---------------(tc|)', { t: 'hi', c: 'close 1000' });
        expectClosed(client).toBe('           ---------------n', { n: 1000 });
      });
    });

    it('is answered after a second, whatever is still to be said', () => {
      marbles(({ network, expectFrames, expectClosed }) => {
        const server = network.server(websocket((messages$) => merge(messages$, NEVER)));
        const client = server.client({ sends: 'u-t-c', values });
        expectFrames(client).toBe('           --t 1997ms (c|)', { t: 'hi', c: 'close 1000' });
        expectClosed(client).toBe('           2s n', { n: 1000 });
      });
    });
  });

  describe('a server that closes', () => {
    const values = { u: upgrade('/'), c: closing(1000) };

    it('ends the connection when the client has answered, RFC 6455 §7.1.1', () => {
      marbles(({ network, expectFrames, expectClosed }) => {
        const server = network.server(websocket(() => timer(3).pipe(map(String))));
        const client = server.client({ sends: 'u-------c', values, isPolite: false });
        expectFrames(client).toBe('           ---(0c)-|', { 0: '0', c: 'close 1000' });
        expectClosed(client).toBe('           --------n', { n: 1000 });
      });
    });
  });

  it('is over for a client that has sent FIN, also before the handler has opened it', () => {
    marbles(({ cold, network, expectConnections, expectSubscriptions }) => {
      const values = { u: upgrade('/') };
      const ticks$ = cold('500ms a 500ms b 500ms c 500ms d 500ms e');
      const server = network.server((requests$) =>
        requests$.pipe(
          delay(5),
          websocket(() => ticks$),
        ),
      );
      server.client({ sends: 'u|', values, isPolite: false });
      expectConnections(server).toBe('         o----n', { o: 1, n: 0 });
      expectSubscriptions(ticks$.subscriptions).toBe('-----(^!)');
    });
  });
});
