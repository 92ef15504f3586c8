import { expect } from 'chai';
import { concat, delay, EMPTY, finalize, lastValueFrom, map, mergeMap, NEVER, of, Subject, throwError, toArray } from 'rxjs';
import { asText, extend, type Handler, HttpError, type HttpRequest, OptionError, websocket } from 'rx-http-kit';
import { inject, request, upgrade } from 'rx-http-kit/testing';

/** What a promise fails with. */
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  );

describe('inject', () => {
  it('gives what the handler says, as it is', async () => {
    const handler: Handler = mergeMap(() => of({ status: 201, body: 'a' }, 'b'));
    expect(await lastValueFrom(inject(handler, '/').reply$.pipe(toArray()))).to.deep.equal([{ status: 201, body: 'a' }, 'b']);
  });

  // #region inject
  it('collects what a client would receive', async () => {
    const handler: Handler = map(({ uri }) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify({ uri }) }));
    const reply = await inject(handler, '/notes').collect();
    expect([reply.status, reply.reason, reply.json(), reply.headers['content-length']]).to.deep.equal([200, 'OK', { uri: '/notes' }, '16']);
  });

  // #endregion
  it('collects a stream with its pieces', async () => {
    const { text, pieces, headers } = await inject(
      mergeMap(() => concat(of('a'), of('b').pipe(delay(1)))),
      '/',
    ).collect();
    expect([text, pieces, headers['transfer-encoding']]).to.deep.equal(['ab', ['a', 'b'], 'chunked']);
  });

  it('answers HEAD without a body', async () => {
    const { status, text, headers } = await inject(
      map(() => 'hello'),
      { method: 'HEAD' },
    ).collect();
    expect([status, text, headers['content-length']]).to.deep.equal([200, '', '5']);
  });

  const bodies: readonly (readonly [string, () => string | Uint8Array | Subject<string>])[] = [
    ['text', () => 'héllo'],
    ['bytes', () => Buffer.from('héllo')],
    ['an Observable', () => concatenated('hé', '', 'llo')],
  ];
  for (const [what, body] of bodies) {
    it(`sends a body: ${what}`, async () => {
      expect((await inject(asText(), { method: 'POST', body: body() }).collect()).text).to.equal('héllo');
    });
  }

  // #region extended
  it('keeps what a request was extended with', async () => {
    const user = extend(extend(request('/me'), { user: 'ann' }), { role: 'admin' });
    const handler: Handler = map((arrived) => {
      const { user: name, role, uri } = arrived as HttpRequest & { user: string; role: string };
      return `${name} ${role} ${uri}`;
    });
    expect((await inject(handler, user).collect()).text).to.equal('ann admin /me');
  });

  // #endregion
  it('keeps what stands on a request that was extended', async () => {
    const user = extend(request('/me'), {
      get user() {
        return `ann of ${(this as unknown as HttpRequest).serverName}`;
      },
    });
    const above = Object.create(user, { role: { value: 'admin' } }) as HttpRequest; // Object.create is typed any
    const handler: Handler = map((arrived) => {
      const { user: name, role, uri } = arrived as HttpRequest & { user: string; role: string };
      return `${name} ${role} ${uri}`;
    });
    expect((await inject(handler, above).collect()).text).to.equal('ann of test admin /me');
  });

  it('answers as the server would: 404 for nothing, 500 for an error, which it tells', async () => {
    expect((await inject(() => EMPTY, '/').collect()).status).to.equal(404);
    const failed = await inject(() => throwError(() => new Error('boom')), '/').collect();
    expect([failed.status, failed.text, (failed.events[0].error.cause as Error).message]).to.deep.equal([
      500,
      'internal server error',
      'boom',
    ]);
    expect((await inject(() => throwError(() => new HttpError(418, 'teapot')), '/').collect()).status).to.equal(418);
  });

  it('resolves a WebSocket with its 101', async () => {
    const fields = Object.fromEntries(
      upgrade('/')
        .toString()
        .split('\r\n')
        .slice(1, -2)
        .map((line) => line.split(': ') as [string, string]), // name and value
    );
    expect((await inject(websocket(map((message) => message)), { headers: fields }).collect()).status).to.equal(101);
  });

  it('rejects a reply that is cut, and says how far it came', async () => {
    const late = await failure(
      inject(
        () =>
          concat(
            of('abc'),
            of('d').pipe(delay(1)),
            throwError(() => new Error('boom')),
          ),
        '/',
      ).collect(),
    );
    expect(late.message).to.equal('the reply was cut: 200 with 4 octets of body has come');
  });

  it('rejects a reply that takes too long, and lets the handler go', async () => {
    const log: string[] = [];
    const handler: Handler = () => concat(of('abc'), NEVER).pipe(finalize(() => log.push('let go')));
    const error = await failure(inject(handler, '/').collect({ timeoutMs: 5 }));
    expect(error.message).to.equal('the reply took longer than 5 ms (timeoutMs): 200 with 3 octets of body has come');
    expect(log).to.deep.equal(['let go']);
  });

  it('applies limits of a server', async () => {
    const options = { server: { maxBody: 4 } };
    expect((await inject(asText(), { method: 'POST', body: '12345' }).collect(options)).status).to.equal(413);
  });

  it('refuses what is no handler, and a request that a server carries', async () => {
    expect(() => inject('hello' as unknown as Handler, '/')).to.throw(OptionError, 'handler'); // what untyped callers say
    let carried: HttpRequest | undefined;
    const keep: Handler = map((arrived) => {
      carried = arrived;
      return 'kept';
    });
    await inject(keep, '/').collect();
    const again = (): Promise<unknown> => Promise.resolve().then(() => inject(keep, carried as HttpRequest).collect()); // set by the handler
    expect((await failure(again())).message).to.contain('belongs to a server');
  });
});

/** The pieces, one in each turn, from the time of its subscription. */
const concatenated = (...pieces: readonly string[]): Subject<string> => {
  const subject = new Subject<string>();
  const subscribe = subject.subscribe.bind(subject) as typeof subject.subscribe;
  subject.subscribe = ((...parameters: Parameters<typeof subscribe>) => {
    const subscription = subscribe(...parameters);
    setImmediate(() => {
      for (const piece of pieces) subject.next(piece);
      subject.complete();
    });
    return subscription;
  }) as typeof subject.subscribe;
  return subject;
};
