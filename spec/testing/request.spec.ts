import { expect } from 'chai';
import { from, lastValueFrom, map, of, Subject, take, toArray } from 'rxjs';
import { asChannel, asText, type HttpRequest, OptionError, ProtocolError } from 'rx-http-kit';
import { request, type RequestParts } from 'rx-http-kit/testing';

describe('request', () => {
  it('is a GET of / by default', () => {
    const { method, uri, queryString, headers, protocol, scheme, serverName, remoteAddr, contentLength, isWebSocket } = request();
    expect({ method, uri, queryString, protocol, scheme, serverName, remoteAddr, contentLength, isWebSocket }).to.deep.equal({
      method: 'GET',
      uri: '/',
      queryString: undefined,
      protocol: 'HTTP/1.1',
      scheme: 'http',
      serverName: 'test',
      remoteAddr: '192.0.2.1',
      contentLength: undefined,
      isWebSocket: false,
    });
    expect({ ...headers }).to.deep.equal({ host: 'test' });
  });

  it('has the parts that it is given', async () => {
    const made = request({
      method: 'POST',
      uri: '/notes?page=2',
      headers: { 'Content-Type': 'text/plain; charset=latin1', Host: 'a.example:81' },
      body: Buffer.from([0xe9]),
      remoteAddr: '203.0.113.7',
    });
    expect([made.method, made.uri, made.queryString, made.serverName, made.serverPort, made.remoteAddr]).to.deep.equal([
      'POST',
      '/notes',
      'page=2',
      'a.example',
      81,
      '203.0.113.7',
    ]);
    expect([made.contentLength, made.characterEncoding]).to.deep.equal([1, 'latin1']);
    expect(await lastValueFrom(of(made).pipe(asText()))).to.equal('é');
  });

  it('takes a path alone for a GET', () => {
    expect(request('/a?b').queryString).to.equal('b');
  });

  it('gives its body once', async () => {
    const made = request({ method: 'POST', body: 'text' });
    expect(String(await lastValueFrom(made.body$))).to.equal('text');
    expect(await lastValueFrom(made.body$).catch((error: { code: string }) => error.code)).to.equal('RHK_BODY_USED');
  });

  it('gives an Observable as a body that comes', () => {
    const pieces$ = new Subject<string>();
    const made = request({ method: 'POST', body: pieces$ });
    const received: string[] = [];
    made.body$.subscribe({ next: (bytes) => received.push(String(bytes)), complete: () => received.push('|') });
    pieces$.next('a');
    pieces$.next('b');
    pieces$.complete();
    expect(received).to.deep.equal(['a', 'b', '|']);
    expect(made.headers['transfer-encoding']).to.equal('chunked');
    expect(pieces$.observed).to.equal(false);
  });

  it('lets go of a body that nobody wants any more, also when it came at once', () => {
    const pieces$ = new Subject<string>();
    const subscription = request({ method: 'POST', body: pieces$ }).body$.subscribe();
    expect(pieces$.observed).to.equal(true);
    subscription.unsubscribe();
    expect(pieces$.observed).to.equal(false);
    const received: string[] = [];
    request({ method: 'POST', body: from(['a', 'b']) })
      .body$.pipe(take(1))
      .subscribe((bytes) => received.push(String(bytes)));
    expect(received).to.deep.equal(['a']);
  });

  it('can have a channel', async () => {
    const handler = asChannel((channel) => void channel.send('hello'));
    expect(await lastValueFrom(of(request()).pipe(handler, toArray()))).to.deep.equal(['hello']);
  });

  const wrong: readonly (readonly [string, RequestParts, new (...parameters: never[]) => Error, string])[] = [
    ['a part that is none', { path: '/' } as RequestParts, OptionError, 'path'],
    ['a path with a space', { uri: '/a b' }, ProtocolError, 'request line'],
    ['a header that splits', { headers: { a: 'b\r\nc: d' } }, OptionError, 'headers'],
    ['a body longer than announced', { method: 'POST', headers: { 'content-length': 'x' }, body: 'a' }, ProtocolError, ''],
  ];
  for (const [what, parts, type, message] of wrong) {
    it(`refuses ${what}`, () => {
      expect(() => request(parts)).to.throw(type, message);
    });
  }

  it('does not answer by itself', () => {
    const made: HttpRequest = request();
    expect(made.signal.aborted).to.equal(false);
    expect(lastValueFrom(of(made).pipe(map(({ uri }) => uri)))).to.be.instanceOf(Promise);
  });
});
