import { expect } from 'chai';
import { extend, type HttpRequest } from 'rx-http-kit';
import { request } from 'rx-http-kit/testing';
import type { RequestHead } from '#src/protocol/request-head.js';
import { originOf, type IncomingRequest } from '#src/rx/request.js';
import { routedRequest } from '#src/routing/routed-request.js';
import { type ArrivedRequest, portableRequest, requestFrom } from '#src/workers/portable-request.js';
import { RecordingPort, headFrom as parsed } from '../rx/recording-port.js';
import { IncomingRequest as Incoming } from '#src/rx/request.js';

const wordsOf = (head: RequestHead): unknown => {
  const { method, minorVersion, contentLength, isChunked, keepAlive, expectsContinue, asksUpgrade, fieldCount, byteLength } = head;
  const { hasBody, asksWebSocket, uri, queryString, serverName, serverPort, headers } = head;
  const numbers = { minorVersion, contentLength, isChunked, keepAlive, expectsContinue, asksUpgrade, fieldCount, byteLength };
  return { method, ...numbers, hasBody, asksWebSocket, uri, queryString, serverName, serverPort, headers };
};

/** There and back, through what threads send each other. */
const crossed = (given: HttpRequest): ArrivedRequest =>
  requestFrom(structuredClone(portableRequest(given, originOf(given) as IncomingRequest))); // every request here has one

describe('portableRequest', () => {
  const heads: readonly (readonly string[])[] = [
    ['GET / HTTP/1.1', 'host: x'],
    ['GET /a/b?c=d&e HTTP/1.0'],
    ['GET http://h:81?q HTTP/1.1', 'host: other', 'x-a: 1', 'X-A: 2'],
    ['OPTIONS * HTTP/1.1', 'host: [::1]:8090'],
    ['POST /p HTTP/1.1', 'x-before: 1', 'host: x', 'transfer-encoding: chunked', 'expect: 100-continue', 'connection: close'],
    ['PUT /caf%C3%A9 HTTP/1.1', 'content-length: 5', 'x-latin: caf\xe9', 'host: x:1'],
    ['GET /ws HTTP/1.1', 'host: x', 'upgrade: websocket', 'connection: upgrade'],
  ];
  for (const lines of heads) {
    it(`says the same on the other side: ${lines[0]}`, () => {
      const head = parsed(...lines);
      const port = new RecordingPort(head);
      const arrived = crossed(new Incoming(port));
      expect(arrived.peer).to.deep.equal(port.peer);
      expect(wordsOf(arrived.head)).to.deep.equal(wordsOf(head));
    });
  }

  it('takes along what `extend` added, the last word first, but nothing that cannot be cloned', () => {
    const once = extend(request('/a/b'), { user: 'ada', uri: '/b', list: [1, new Date(0)] });
    const twice = extend(once, { user: 'bob', log: () => {}, socket: { write: () => {} }, missing: undefined });
    expect(crossed(twice).fields).to.deep.equal({ user: 'bob', uri: '/b', list: [1, new Date(0)], missing: undefined });
    expect(crossed(request('/')).fields).to.equal(undefined);
  });

  it('takes a field of any name along, also beside what a route added', () => {
    const extended = extend(extend(request('/a/b?c=d'), { addedFields: 1 }), { incomingRequest: 2, user: 'ada' });
    expect(crossed(extended).fields).to.deep.equal({ addedFields: 1, user: 'ada' });
    const routed = routedRequest(extended, { id: '7' }, '/b', null);
    const query = { c: 'd' };
    expect(crossed(routed).fields).to.deep.equal({ addedFields: 1, user: 'ada', params: { id: '7' }, pathInfo: '/b', query });
    expect(crossed(extend(routed, { user: 'bob' })).fields).to.include({ user: 'bob', pathInfo: '/b' });
    expect(crossed(extend(routedRequest(request('/'), {}, '/b', null), { user: 'bob' })).fields).to.include({
      user: 'bob',
      pathInfo: '/b',
    });
  });

  it('takes maps of text and numbers as they are, and what is no map as a clone of it', () => {
    const params = Object.assign(Object.create(null) as object, { id: 7, name: 'ada', none: null, last: undefined });
    const fields = { params, proxied: new Proxy({ id: 7 }, {}), date: new Date(0), deep: { list: [1] }, empty: {} };
    const clones = crossed(extend(request('/'), fields)).fields;
    expect(clones).to.deep.equal({ ...fields, params: { ...params }, proxied: { id: 7 } });
    const stays = { proxy: new Proxy({ list: [1] }, {}), method: { call: () => {} }, symbol: Symbol('a'), named: { symbol: Symbol('a') } };
    expect(crossed(extend(request('/'), stays)).fields).to.equal(undefined);
  });
});
