import { expect } from 'chai';
import { request } from 'rx-http-kit/testing';
import { transportOf } from '#src/feeds/feed-transport.js';

const accepting = (accept: string): string | undefined => transportOf(request({ headers: { accept } }));

describe('transportOf', () => {
  it('takes what the request accepts by name and likes best', () => {
    const cases: Readonly<Record<string, string>> = {
      '': 'poll',
      '*/*': 'poll',
      'text/html, */*;q=0.8': 'poll',
      'text/event-stream': 'sse',
      'TEXT/Event-Stream; charset=utf-8': 'sse',
      'application/x-ndjson': 'ndjson',
      'application/json': 'poll',
      'application/json, text/event-stream': 'poll', // the same weight: the one that stands first
      'text/event-stream, application/json': 'sse',
      'application/json;q=0.5, text/event-stream;q=0.9': 'sse',
      'text/event-stream;q=0.1, application/x-ndjson ; q=0.2': 'ndjson',
      'text/event-stream;q=0': 'poll',
      'text/event-stream;q=2': 'poll',
      'text/event-streams': 'poll',
    };
    for (const [accept, transport] of Object.entries(cases)) expect(accepting(accept), accept).to.equal(transport);
  });

  it('lets the query decide', () => {
    for (const name of ['sse', 'ndjson', 'poll']) {
      expect(transportOf(request({ uri: `/?transport=${name}`, headers: { accept: 'text/event-stream' } }))).to.equal(name);
    }
    for (const name of ['', 'websocket', 'SSE', 'constructor'])
      expect(transportOf(request(`/?transport=${name}`)), name).to.equal(undefined);
  });

  it('takes a handshake for what it is, also one that has to be refused', () => {
    expect(transportOf(request({ uri: '/?transport=sse', headers: { upgrade: 'websocket' } }))).to.equal('websocket');
    expect(transportOf(request({ headers: { upgrade: 'WebSocket', connection: 'upgrade' } }))).to.equal('websocket');
    expect(transportOf(request({ headers: { upgrade: 'h2c', connection: 'upgrade' } }))).to.equal('poll');
  });
});
