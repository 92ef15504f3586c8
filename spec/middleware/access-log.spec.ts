import { expect } from 'chai';
import { concat, EMPTY, map, of, Subject, throwError } from 'rxjs';
import { type Handler, HttpError, OptionError, websocket } from 'rx-http-kit';
import { type AccessEntry, accessLog, type AccessLogOptions, compose, requestId } from 'rx-http-kit/middleware';
import { inject, request, type RequestParts, upgrade } from 'rx-http-kit/testing';

const lines = async (handler: Handler, parts: RequestParts = {}, format: AccessLogOptions['format'] = 'common'): Promise<string[]> => {
  const said: string[] = [];
  await inject(accessLog({ format, to: (line) => said.push(line) })(handler), parts).collect();
  return said;
};

describe('accessLog', () => {
  it('says a line for each reply, as Apache does', async () => {
    const [line, ...others] = await lines(
      map(() => ({ status: 201, body: 'héllo' })),
      { uri: '/a?b=c' },
    );
    expect(line).to.match(/^192\.0\.2\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/a\?b=c HTTP\/1\.1" 201 6$/);
    expect(others).to.deep.equal([]);
  });

  it('names who sent it and from where', async () => {
    const headers = { referer: 'http://a.example/', 'user-agent': 'curl/8 "x"\\' };
    expect(
      (
        await lines(
          map(() => 'x'),
          { headers },
          'combined',
        )
      )[0],
    ).to.match(/200 1 "http:\/\/a\.example\/" "curl\/8 \\"x\\"\\\\"$/);
    expect(
      (
        await lines(
          map(() => 'x'),
          {},
          'combined',
        )
      )[0],
    ).to.match(/ "-" "-"$/);
  });

  it('lets no client make lines of its own', async () => {
    const [line] = await lines(
      map(() => 'x'),
      { headers: { 'user-agent': 'a\u0085b\x9bc\td' } },
      'combined',
    );
    expect(line).to.match(/"a\\x85b\\x9bc\\x09d"$/);
  });

  it('says JSON', async () => {
    const said: string[] = [];
    const handler = compose(requestId(), accessLog({ format: 'json', to: (line) => said.push(line) }))(map(() => 'x'));
    await inject(handler, { headers: { 'x-request-id': 'mine' } }).collect();
    const entry = JSON.parse(said[0]) as Record<string, unknown>;
    expect(entry).to.include({
      remoteAddr: '192.0.2.1',
      method: 'GET',
      target: '/',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes: 1,
      requestId: 'mine',
    });
    expect(entry['time']).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(entry['durationMs']).to.be.within(0, 5_000);
  });

  const statuses: readonly (readonly [string, Handler, string])[] = [
    ['an error', () => throwError(() => new HttpError(418)), '418 -'],
    ['a failure', () => throwError(() => new Error('boom')), '500 -'],
    ['nothing', () => EMPTY, '404 -'],
    ['items', () => of('a', 'bc'), '200 3'],
    ['a stream', () => of({ body: ['a', 'b'] }), '200 -'],
    ['a stream with its length', () => of({ headers: { 'content-length': 2 }, body: ['a', 'b'] }), '200 2'],
    [
      'items that fail',
      () =>
        concat(
          of('a'),
          throwError(() => new HttpError(418)),
        ),
      '418 1',
    ],
  ];
  for (const [what, handler, end] of statuses) {
    it(`tells of ${what}`, async () => expect((await lines(handler))[0].endsWith(end), (await lines(handler))[0]).to.equal(true));
  }

  it('tells of a WebSocket when it is over', async () => {
    const fields = upgrade('/')
      .toString()
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(': ') as [string, string]); // name and value
    const [line] = await lines(websocket(map((message) => message)), { headers: Object.fromEntries(fields) });
    expect(line).to.match(/ 101 -$/);
  });

  it('tells of a client that left, and takes a Subject', () => {
    const said$ = new Subject<string>();
    const said: string[] = [];
    said$.subscribe((line) => said.push(line));
    const handler = accessLog({ format: ({ status, target }: AccessEntry) => `${status} ${target}`, to: said$ })(
      () => new Subject<string>(),
    );
    const subscription = of(request('/a')).pipe(handler).subscribe();
    expect(said).to.deep.equal([]);
    subscription.unsubscribe();
    expect(said).to.deep.equal(['499 /a']);
  });

  it('refuses wrong options', () => {
    expect(() => accessLog({ format: 'toString' as 'json' })).to.throw(OptionError, 'format');
    expect(() => accessLog({ to: {} as Subject<string> })).to.throw(OptionError, 'to');
  });
});
