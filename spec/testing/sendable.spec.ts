import { expect } from 'chai';
import * as ws from 'ws';
import { binary, closing, get, head, ping, pong, post, sent, text, upgrade } from 'rx-http-kit/testing';

const lines = (octets: Uint8Array): string[] => Buffer.from(octets).toString('latin1').split('\r\n');

describe('sent', () => {
  it('is a request that needs nothing more', () => {
    expect(lines(get('/a?b'))).to.deep.equal(['GET /a?b HTTP/1.1', 'host: test', '', '']);
    expect(lines(head('/'))).to.deep.equal(['HEAD / HTTP/1.1', 'host: test', '', '']);
    expect(lines(post('/', 'é'))).to.deep.equal([
      'POST / HTTP/1.1',
      'host: test',
      'content-length: 2',
      '',
      Buffer.from('é').toString('latin1'),
    ]);
    expect(lines(sent('PUT', '/n', { a: 1 }, Buffer.from([255])))).to.deep.equal([
      'PUT /n HTTP/1.1',
      'host: test',
      'content-length: 1',
      'a: 1',
      '',
      '\xff',
    ]);
  });

  it('adds nothing that is given, in whatever case, and nothing that is not wanted', () => {
    expect(lines(get('/', { Host: 'x' }))).to.deep.equal(['GET / HTTP/1.1', 'Host: x', '', '']);
    expect(lines(get('/', { host: undefined }))).to.deep.equal(['GET / HTTP/1.1', '', '']);
    expect(lines(post('/', 'hi', { 'Content-Length': 5 }))).to.deep.equal(['POST / HTTP/1.1', 'host: test', 'Content-Length: 5', '', 'hi']);
    expect(lines(post('/', '0\r\n\r\n', { 'Transfer-Encoding': 'chunked' }))).to.deep.equal([
      'POST / HTTP/1.1',
      'host: test',
      'Transfer-Encoding: chunked',
      '',
      '0',
      '',
      '',
    ]);
  });
});

describe('upgrade', () => {
  it('is a handshake, RFC 6455 §4.1, and takes more fields', () => {
    expect(lines(upgrade('/c', { 'sec-websocket-protocol': 'a' }))).to.deep.equal([
      'GET /c HTTP/1.1',
      'host: test',
      'upgrade: websocket',
      'connection: Upgrade',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol: a',
      '',
      '',
    ]);
  });
});

describe('frames of a client', () => {
  /** What the receiver of `ws` makes of them. */
  const heard = async (...frames: readonly Buffer[]): Promise<string[]> => {
    const words: string[] = [];
    const { Receiver } = ws as unknown as { Receiver: new (options: object) => NodeJS.WritableStream & NodeJS.EventEmitter }; // not in its types
    const receiver = new Receiver({ isServer: true, allowSynchronousEvents: true });
    receiver.on('message', (data: Buffer, isBinary: boolean) => words.push(isBinary ? `binary ${data.toString('hex')}` : data.toString()));
    receiver.on('ping', (data: Buffer) => words.push(`ping ${data.toString()}`));
    receiver.on('pong', (data: Buffer) => words.push(`pong ${data.toString()}`));
    receiver.on('conclude', (code: number, reason: Buffer) => words.push(`close ${code} ${reason.toString()}`));
    for (const frame of frames) await new Promise((resolve) => receiver.write(frame, resolve));
    return words;
  };

  it('are what a server expects', async () => {
    const words = await heard(
      text('héllo'),
      text(''),
      binary(Buffer.from([0, 255])),
      ping('a'),
      ping(),
      pong('b'),
      pong(Buffer.from('c')),
      closing(1000, 'bye'),
    );
    expect(words).to.deep.equal(['héllo', '', 'binary 00ff', 'ping a', 'ping ', 'pong b', 'pong c', 'close 1000 bye']);
    expect(await heard(closing())).to.deep.equal(['close 1005 ']);
    expect(await heard(closing(4000))).to.deep.equal(['close 4000 ']);
  });

  for (const length of [125, 126, 65_535, 65_536]) {
    it(`carry ${length} octets`, async () => {
      expect(await heard(text('x'.repeat(length)))).to.deep.equal(['x'.repeat(length)]);
    });
  }

  it('are the same every time', () => {
    expect(text('a').equals(text('a'))).to.equal(true);
  });
});
