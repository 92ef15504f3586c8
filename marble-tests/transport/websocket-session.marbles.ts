import { delay, merge, NEVER } from 'rxjs';
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

    it('is answered after a second, whatever is still to be said', () => {
      marbles(({ network, expectFrames, expectClosed }) => {
        const server = network.server(websocket((messages$) => merge(messages$, NEVER)));
        const client = server.client({ sends: 'u-t-c', values });
        expectFrames(client).toBe('           --t 1997ms (c|)', { t: 'hi', c: 'close 1000' });
        expectClosed(client).toBe('           2s n', { n: 1000 });
      });
    });
  });
});
