import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { ProtocolError } from '#src/errors.js';
import { extend, type HttpRequest, IncomingRequest, originOf, portOf } from '#src/rx/request.js';
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

  it('has all that was added so far, the last word first, and nothing else, as its own', () => {
    const plain = requestOf('GET /a HTTP/1.1', 'host: x');
    const hidden = Symbol('hidden');
    const once = extend(plain, { user: 'ada', uri: '/b', [hidden]: 1 });
    const twice = extend(once, { user: 'bob', role: 'admin' });
    expect({ ...once }).to.deep.equal({ user: 'ada', uri: '/b', [hidden]: 1 });
    expect({ ...twice }).to.deep.equal({ user: 'bob', uri: '/b', role: 'admin', [hidden]: 1 });
    expect([plain.uri, once.user, twice.uri, twice.method]).to.deep.equal(['/a', 'ada', '/b', 'GET']);
    expect(Object.getPrototypeOf(twice), 'no request stands on another').to.equal(Object.getPrototypeOf(once));
  });

  it('belongs to the exchange of the request, however often it was extended', () => {
    const plain = requestOf('GET / HTTP/1.0');
    const extended = extend(extend(plain, { a: 1 }), { incomingRequest: 'mine', port: 2 });
    expect(originOf(extended)).to.equal(plain);
    expect(portOf(extended)).to.equal(plain.port);
    expect(extended).to.be.instanceOf(IncomingRequest);
  });

  it('asks a getter of a former one only when it is read, each time', () => {
    let asked = 0;
    const lazy = extend(requestOf('GET / HTTP/1.0'), {
      get remoteAddr() {
        return String(++asked);
      },
      get user() {
        return `${(this as { name?: string }).name ?? 'nobody'} ${++asked}`;
      },
    });
    const extended = extend(extend(lazy, { a: 1 }), { name: 'ada' });
    expect(asked).to.equal(0);
    expect([extended.remoteAddr, extended.user, extended.remoteAddr]).to.deep.equal(['1', 'ada 2', '3']);
  });

  it('keeps what can be done to a field, and changes no other request', () => {
    const plain = requestOf('GET / HTTP/1.0');
    const fixed = extend(plain, Object.freeze({ user: 'ada' }));
    expect(() => Object.assign(fixed, { user: 'eve' })).to.throw(TypeError);
    expect(extend(fixed, { user: 'bob' }).user).to.equal('bob');
    const below = extend(plain, { user: 'ada', scheme: 'https' });
    const above = extend(below, Object.defineProperty({}, 'secret', { value: 1, writable: true, configurable: true }));
    Object.assign(above, { user: 'bob', scheme: 'http' });
    expect([above.user, above.scheme, below.user, below.scheme, plain.scheme]).to.deep.equal(['bob', 'http', 'ada', 'https', 'http']);
    const top = extend(above, { role: 'admin' });
    expect(top).to.have.property('secret', 1);
    expect(Object.keys(top)).to.deep.equal(['user', 'scheme', 'role']);
  });

  it('sees what an application has put on a request by hand', () => {
    const plain = Object.assign(requestOf('GET / HTTP/1.0'), { user: 'ada' });
    const once = Object.assign(extend(plain, { a: 1 }), { b: 2 });
    expect({ ...extend(once, { c: 3 }) }).to.deep.equal({ user: 'ada', a: 1, b: 2, c: 3 });
  });

  it('takes names that every object has as ordinary ones', () => {
    const fields = JSON.parse('{ "__proto__": { "isAdmin": true }, "constructor": 1, "toString": 2 }') as object;
    const extended: object = extend(extend(requestOf('GET /a HTTP/1.0'), fields), { a: 1 });
    expect(Object.keys(extended)).to.deep.equal(['__proto__', 'constructor', 'toString', 'a']);
    expect(extended).to.not.have.property('isAdmin');
    expect(extended).to.have.property('uri', '/a');
    expect({}).to.not.have.property('isAdmin');
    expect(requestOf('GET / HTTP/1.0').constructor).to.equal(IncomingRequest);
  });

  it('stands on a request of another make, as nothing is known of that', () => {
    const other = { method: 'GET', uri: '/a' } as HttpRequest;
    const extended = extend(extend(other, { a: 1 }), { uri: '/b' });
    expect([extended.method, extended.uri, extended.a]).to.deep.equal(['GET', '/b', 1]);
    Object.assign(other, { method: 'PUT' });
    expect(extended.method).to.equal('PUT');
  });
});
