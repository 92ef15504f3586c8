import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { ProtocolError } from '#src/errors.js';
import { extend, type HttpRequest, IncomingRequest } from '#src/rx/request.js';
import { headFrom, RecordingBody, RecordingPort } from './recording-port.js';

const requestOf = (...lines: readonly string[]): IncomingRequest => new IncomingRequest(new RecordingPort(headFrom(...lines)));

describe('HttpRequest', () => {
  it("says Ring's words", () => {
    const request = requestOf(
      'POST /a%20b?c=d%20e HTTP/1.1',
      'Host: example.com:8080',
      'Content-Type: Text/HTML; Charset="ISO-8859-1"',
      'Content-Length: 5',
      'X-A: b',
      'X-A: c',
    );
    expect(request).to.include({
      method: 'POST',
      uri: '/a%20b',
      queryString: 'c=d%20e',
      protocol: 'HTTP/1.1',
      scheme: 'http',
      serverName: 'example.com',
      serverPort: 8080,
      remoteAddr: '192.0.2.1',
      contentType: 'Text/HTML; Charset="ISO-8859-1"',
      contentLength: 5,
      characterEncoding: 'iso-8859-1',
      isWebSocket: false,
    });
    expect(request.headers['x-a']).to.equal('b, c');
    expect({ ...request.trailers }).to.deep.equal({});
  });

  it('falls back on the address that it came in on', () => {
    expect(requestOf('GET / HTTP/1.0')).to.include({
      protocol: 'HTTP/1.0',
      serverName: '198.51.100.1',
      serverPort: 80,
      queryString: undefined,
      contentType: undefined,
      contentLength: undefined,
      characterEncoding: undefined,
    });
    expect(requestOf('GET / HTTP/1.1', 'host: x')).to.include({ serverName: 'x', serverPort: 80 });
  });

  it('reads the charset of the content type', () => {
    const charsetOf = (contentType: string): string | undefined =>
      requestOf('GET / HTTP/1.0', `content-type: ${contentType}`).characterEncoding;
    expect(charsetOf('text/plain;charset=utf-8')).to.equal('utf-8');
    expect(charsetOf('text/plain; a=b;\tCHARSET=UTF-8 ; c=d')).to.equal('utf-8');
    expect(charsetOf('text/plain; charset="utf-8"')).to.equal('utf-8');
    expect(charsetOf('text/plain; charset=')).to.equal(undefined);
    expect(charsetOf('text/plain; xcharset=utf-8')).to.equal(undefined);
    expect(charsetOf('text/plain')).to.equal(undefined);
  });

  it('makes its words when asked, and once', () => {
    const port = new RecordingPort();
    let peers = 0;
    let heads = 0;
    const { peer, head } = port;
    Object.defineProperty(port, 'peer', { get: () => (peers++, peer) });
    Object.defineProperty(head, 'headers', { get: () => (heads++, { a: 'b' }) });
    const request = new IncomingRequest(port);
    expect(request.uri).to.equal('/');
    expect([peers, heads], 'nothing was made for the path').to.deep.equal([0, 0]);
    expect(request.headers).to.equal(request.headers);
    expect(request.remoteAddr + request.remoteAddr).to.equal('192.0.2.1192.0.2.1');
    expect([peers, heads]).to.deep.equal([1, 1]);
  });

  it('takes names that every object has as ordinary ones', () => {
    const { headers } = requestOf('GET / HTTP/1.0', '__proto__: a', 'constructor: b');
    expect(Object.keys(headers)).to.deep.equal(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(headers)).to.equal(null);
    expect(requestOf('GET / HTTP/1.0').headers['constructor']).to.equal(undefined);
  });
});

describe('HttpRequest.body$', () => {
  const withBody = (body: RecordingBody): IncomingRequest =>
    new IncomingRequest(new RecordingPort(headFrom('POST / HTTP/1.0', 'content-length: 4'), body));

  it('is empty where there is no body, as often as it is asked', async () => {
    const { body$ } = requestOf('GET / HTTP/1.0');
    for (let round = 0; round < 2; round++) expect(await lastValueFrom(body$.pipe(toArray()))).to.deep.equal([]);
  });

  it('is read when subscribed, not before', () => {
    const body = new RecordingBody();
    const { body$ } = withBody(body);
    expect(body.log).to.deep.equal([]);
    const seen: string[] = [];
    body$.subscribe({ next: (bytes) => seen.push(String(bytes)), complete: () => seen.push('|') });
    body.send('ab');
    body.send('cd');
    body.end();
    expect(seen).to.deep.equal(['ab', 'cd', '|']);
    expect(body.log[0]).to.equal('read');
  });

  it('is cancelled once when its subscriber leaves, also within the first piece', () => {
    const body = new RecordingBody();
    const subscription = withBody(body).body$.subscribe();
    subscription.unsubscribe();
    subscription.unsubscribe();
    expect(body.log).to.deep.equal(['read', 'cancel']);

    const eager = new RecordingBody(['a', 'b']);
    const seen: string[] = [];
    const { body$ } = withBody(eager);
    const first = body$.subscribe({
      next: (bytes) => {
        seen.push(String(bytes));
        queueMicrotask(() => {}); // nothing else: the next piece is on its way already
      },
    });
    first.unsubscribe();
    expect(seen).to.deep.equal(['a', 'b']);
    expect(eager.log).to.deep.equal(['read', 'cancel']);
  });

  it('fails for a second subscriber, and goes on for the first', () => {
    const body = new RecordingBody();
    const { body$ } = withBody(body);
    const seen: string[] = [];
    body$.subscribe((bytes) => seen.push(String(bytes)));
    const codes: unknown[] = [];
    body$.subscribe({ error: (error: { code: string }) => codes.push(error.code) });
    expect(codes).to.deep.equal(['RHK_BODY_USED']);
    body.send('a');
    expect(seen).to.deep.equal(['a']);
    expect(body.log).to.deep.equal(['read']);
  });

  it('fails as the body does', () => {
    const body = new RecordingBody();
    const seen: unknown[] = [];
    const error = new ProtocolError('RHK_BODY_INCOMPLETE');
    withBody(body).body$.subscribe({ error: (thrown: unknown) => seen.push(thrown) });
    body.fail(error);
    expect(seen).to.deep.equal([error]);
  });

  it('has its trailers behind it', () => {
    const body = new RecordingBody();
    const request = withBody(body);
    expect({ ...request.trailers }).to.deep.equal({});
    body.trailers = { a: 'b' };
    expect(request.trailers).to.deep.equal({ a: 'b' });
    expect(request.headers['a']).to.equal(undefined);
  });
});

describe('HttpRequest.signal', () => {
  it('is aborted when the client has gone, once it is there and before', () => {
    const early = requestOf('GET / HTTP/1.0');
    const { signal } = early;
    expect(signal.aborted).to.equal(false);
    early.abort();
    expect(signal.aborted).to.equal(true);
    expect(early.signal).to.equal(signal);

    const late = requestOf('GET / HTTP/1.0');
    late.abort();
    expect(late.signal.aborted).to.equal(true);
  });

  it('is one for a request and all that extend it', () => {
    const request = requestOf('GET / HTTP/1.0');
    const extended = extend(extend(request, { a: 1 }), { b: 2 });
    const { signal } = extended;
    expect(request.signal).to.equal(signal);
    request.abort();
    expect(signal.aborted).to.equal(true);
  });
});

describe('extend', () => {
  it('adds fields and leaves the request as it was', () => {
    const request: HttpRequest = requestOf('GET /a HTTP/1.1', 'host: x');
    const extended = extend(request, { user: 'me', uri: '/b' });
    expect(extended).to.include({ user: 'me', uri: '/b', method: 'GET', serverName: 'x' });
    expect(request.uri).to.equal('/a');
    expect('user' in request).to.equal(false);
    expect(extended.headers).to.equal(request.headers);
  });

  it('keeps getters lazy', () => {
    let asked = 0;
    const extended = extend(requestOf('GET / HTTP/1.0'), {
      get user(): string {
        asked++;
        return 'me';
      },
    });
    expect(asked).to.equal(0);
    expect(extended.user).to.equal('me');
  });

  it('shares the one body', () => {
    const body = new RecordingBody();
    const request = new IncomingRequest(new RecordingPort(headFrom('POST / HTTP/1.0', 'content-length: 1'), body));
    expect(extend(request, { a: 1 }).body$).to.equal(request.body$);
  });

  it('takes any name for a field', () => {
    const plain = requestOf('POST /a?b HTTP/1.1', 'host: x', 'content-length: 1');
    // Words that middleware is likely to use, and that the inside of a request might use as well.
    const fields = {
      origin: 'o',
      port: 1,
      head: 'h',
      peer: 'p',
      controller: 'c',
      isAborted: true,
      cachedHeaders: 5,
      cachedBody$: 6,
      cachedPeer: 7,
    };
    const extended = extend(plain, fields as object);
    expect(extended.signal.aborted).to.equal(false);
    for (const name of [
      'method',
      'uri',
      'queryString',
      'headers',
      'protocol',
      'serverName',
      'serverPort',
      'remoteAddr',
      'contentLength',
      'body$',
      'isWebSocket',
    ] as const) {
      expect(extended[name], name).to.equal(plain[name]);
    }
    expect({ ...extended }).to.deep.equal(fields);
  });
});
