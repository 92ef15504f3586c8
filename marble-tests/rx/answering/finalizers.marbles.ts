import { expect } from 'chai';
import { concat, finalize, NEVER, of, type Observable } from 'rxjs';
import {
  asChannel,
  type Channel,
  type ChannelOutput,
  draining,
  eventStream,
  type Handler,
  type Message,
  stream,
  websocket,
} from 'rx-http-kit';
import { closing, get, marbles, upgrade } from 'rx-http-kit/testing';

const throwing = <T>(source$: Observable<T>): Observable<T> =>
  source$.pipe(
    finalize(() => {
      throw new Error('a finalizer');
    }),
  );

/** A handler whose channel has one subscriber with such a finalizer, and others behind it. */
const watching =
  (watched: (channel: Channel<Message, ChannelOutput>) => Observable<unknown>) =>
  (told: string[]): Handler =>
    asChannel((channel) => {
      channel.send('x', { close: false });
      throwing(watched(channel)).subscribe();
      channel.subscribe({ complete: () => told.push('complete') });
      channel.onClose(() => told.push('close'));
    });

const CHANNELS: Readonly<Record<string, (told: string[]) => Handler>> = {
  'the messages of a channel': watching((channel) => channel),
  closed$: watching((channel) => channel.closed$),
  buffered$: watching((channel) => channel.buffered$),
  writable$: watching((channel) => channel.writable$),
  dropped$: watching((channel) => channel.dropped$),
};

const STREAMS: Readonly<Record<string, Handler>> = {
  'the messages of websocket()': websocket(throwing),
  'what websocket() sends': websocket(() => throwing(concat(of('x'), NEVER))),
};

const REPLIES: Readonly<Record<string, Handler>> = {
  'the source of stream()': stream(() => throwing(concat(of('x'), NEVER))),
  'the source of eventStream()': eventStream(() => throwing(concat(of('x'), NEVER))),
};

const ENDS = ['fin', 'rst', 'vanish', 'close frame', 'stop', 'cut'] as const;
const VANISHES: Readonly<Record<string, string>> = { fin: '-----|', rst: '-----#', vanish: '-----x' };

/** Serves one client until it ends in one way. @returns Codes of what was told, and how many connections are left. */
const served = (handler: Handler, end: string, request: Buffer): { readonly codes: string[]; readonly open: number } => {
  const codes: string[] = [];
  let open = -1;
  marbles(({ at, network, flush }) => {
    const server = network.server(handler);
    server.client({ sends: end === 'close frame' ? '-r--c' : '-r', values: { r: request, c: closing(1000) }, vanishes: VANISHES[end] });
    if (end === 'stop' || end === 'cut') at('-----s', () => void server.stop({ timeout: end === 'cut' ? 0 : 100 }));
    server.events$.subscribe((event) => codes.push('code' in event.error ? String(event.error.code) : event.error.name));
    server.connections$.subscribe((count) => (open = count));
    flush();
  });
  return { codes, open };
};

describe('a finalizer that throws', () => {
  for (const end of ENDS) {
    for (const [what, handlerFor] of Object.entries(CHANNELS)) {
      it(`behind ${what} is an event, and all others hear of the end: WebSocket, ${end}`, () => {
        const told: string[] = [];
        const { codes, open } = served(handlerFor(told), end, upgrade('/'));
        expect(codes).to.deep.equal(['RHK_HANDLER_FAILED']);
        expect([...told].sort()).to.deep.equal(['close', 'complete']);
        expect(open).to.equal(0);
      });
    }
    for (const [what, handler] of Object.entries(STREAMS)) {
      it(`behind ${what} is an event: ${end}`, () => {
        const { codes, open } = served(handler, end, upgrade('/'));
        expect(codes).to.deep.equal(['RHK_HANDLER_FAILED']);
        expect(open).to.equal(0);
      });
    }
    if (end === 'close frame' || end === 'vanish') continue;
    for (const [what, handlerFor] of Object.entries(CHANNELS)) {
      it(`behind ${what} is an event, and all others hear of the end: HTTP, ${end}`, () => {
        const told: string[] = [];
        const { codes, open } = served(handlerFor(told), end, get('/'));
        expect(codes).to.deep.equal(['RHK_HANDLER_FAILED']);
        expect([...told].sort()).to.deep.equal(['close', 'complete']);
        expect(open).to.equal(0);
      });
    }
    for (const [what, handler] of Object.entries(REPLIES)) {
      it(`behind ${what} is an event: ${end}`, () => {
        const { codes, open } = served(handler, end, get('/'));
        expect(codes).to.deep.equal(['RHK_HANDLER_FAILED']);
        expect(open).to.equal(0);
      });
    }
  }

  it('behind draining(request) keeps nobody else from being told', () => {
    marbles(({ at, network, expectEvents, flush }) => {
      const told: string[] = [];
      const server = network.server((requests$) =>
        requests$.pipe(
          stream((request) => {
            throwing(draining(request)).subscribe();
            draining(request).subscribe(() => told.push(request.uri));
            return NEVER;
          }),
        ),
      );
      for (const uri of ['/a', '/b']) server.client({ sends: '-r', values: { r: get(uri) } });
      at('---s', () => void server.stop({ timeout: 100 }));
      expectEvents(server).toBe('---(ff) 96ms |', { f: 'RHK_HANDLER_FAILED' });
      flush();
      expect(told).to.deep.equal(['/a', '/b']);
    });
  });
});
