/** The client that the wire specs trust, held to what they trust it for: tests that cannot fail prove nothing. */
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { bytesOf, RawClient, turns } from '../support/raw-client.js';
import { ResponseReader, valueOf } from '../support/response-reader.js';

const DATE = 'date: Sun, 06 Nov 1994 08:49:37 GMT\r\n';

const read = (text: string, method: string = 'GET', ended: boolean = false): ReturnType<ResponseReader['take']> => {
  const reader = new ResponseReader();
  reader.push(bytesOf(text));
  return reader.take(method, ended);
};

describe('ResponseReader', () => {
  const whole: Readonly<Record<string, readonly [text: string, body: string]>> = {
    'a reply with a length': [`HTTP/1.1 200 OK\r\n${DATE}content-length: 5\r\n\r\nhello`, 'hello'],
    'a chunked reply': [`HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 'hello'],
    'a chunked reply with trailers': [`HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n`, ''],
    'a reply of 204': [`HTTP/1.1 204 No Content\r\n${DATE}\r\n`, ''],
    'a reply behind 100': [`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}content-length: 2\r\n\r\nhi`, 'hi'],
  };
  for (const [name, [text, body]] of Object.entries(whole)) {
    it(`reads ${name}, wherever it is cut`, () => {
      for (let cut = 1; cut < text.length; cut++) {
        const reader = new ResponseReader();
        reader.push(bytesOf(text.slice(0, cut)));
        expect(reader.take('GET', false), `before byte ${cut}`).to.equal(undefined);
        reader.push(bytesOf(text.slice(cut)));
        expect(reader.take('GET', false)?.body.toString(), `cut at ${cut}`).to.equal(body);
        expect(reader.isInside).to.equal(false);
      }
    });
  }

  it('reads a reply to HEAD without its body', () => {
    expect(read(`HTTP/1.1 200 OK\r\n${DATE}content-length: 5\r\n\r\n`, 'HEAD')?.body.length).to.equal(0);
  });

  it('reads a reply that ends with the connection', () => {
    const text = `HTTP/1.1 200 OK\r\n${DATE}connection: close\r\n\r\nhello`;
    expect(read(text)).to.equal(undefined);
    expect(read(text, 'GET', true)?.body.toString()).to.equal('hello');
  });

  const refused: Readonly<Record<string, string>> = {
    'another version': `HTTP/1.0 200 OK\r\n${DATE}content-length: 0\r\n\r\n`,
    'no space behind the status': `HTTP/1.1 200\r\n${DATE}content-length: 0\r\n\r\n`,
    'a status of four digits': `HTTP/1.1 2000 OK\r\n${DATE}content-length: 0\r\n\r\n`,
    'a bare LF': `HTTP/1.1 200 OK\n${DATE}content-length: 0\r\n\r\n`,
    'a CR in a value': `HTTP/1.1 200 OK\r\n${DATE}a: b\rc\r\ncontent-length: 0\r\n\r\n`,
    'a space before the colon': `HTTP/1.1 200 OK\r\n${DATE}content-length : 0\r\n\r\n`,
    'a folded line': `HTTP/1.1 200 OK\r\n${DATE}a: b\r\n c\r\ncontent-length: 0\r\n\r\n`,
    'no date': 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    'two dates': `HTTP/1.1 200 OK\r\n${DATE}${DATE}content-length: 0\r\n\r\n`,
    'a date in another form': 'HTTP/1.1 200 OK\r\ndate: 1994-11-06\r\ncontent-length: 0\r\n\r\n',
    'two lengths': `HTTP/1.1 200 OK\r\n${DATE}content-length: 0\r\ncontent-length: 0\r\n\r\n`,
    'both lengths': `HTTP/1.1 200 OK\r\n${DATE}content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a signed length': `HTTP/1.1 200 OK\r\n${DATE}content-length: +5\r\n\r\nhello`,
    'another coding': `HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'no length and no close': `HTTP/1.1 200 OK\r\n${DATE}\r\nhello`,
    'a chunk extension': `HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n0;a\r\n\r\n`,
    'a chunk longer than its size': `HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n`,
    '204 with a length': `HTTP/1.1 204 No Content\r\n${DATE}content-length: 0\r\n\r\n`,
    '304 with a coding': `HTTP/1.1 304 Not Modified\r\n${DATE}transfer-encoding: chunked\r\n\r\n`,
    '205 without a length': `HTTP/1.1 205 Reset Content\r\n${DATE}connection: close\r\n\r\n`,
    '100 with a length': `HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n`,
  };
  for (const [name, text] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      expect(() => read(text)).to.throw();
    });
  }

  for (const [name, text] of Object.entries({
    'inside a head': 'HTTP/1.1 200 OK\r\n',
    'inside a body': `HTTP/1.1 200 OK\r\n${DATE}content-length: 5\r\n\r\nhel`,
    'before the last chunk': `HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n`,
    'behind 100': 'HTTP/1.1 100 Continue\r\n\r\n',
  })) {
    it(`refuses an end ${name}`, () => {
      expect(read(text)).to.equal(undefined);
      expect(() => read(text, 'GET', true)).to.throw('ended inside');
    });
  }
});

describe('RawClient', () => {
  /** A server that shows each socket to the test. */
  const withSockets = async (
    onSocket: (socket: Socket) => void,
    use: (client: RawClient, server: Server) => Promise<void>,
  ): Promise<void> => {
    const sockets: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined); // the client leaves with a reset
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const client = await RawClient.open({ port: address.port });
    try {
      await use(client, server);
    } finally {
      client.abort();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  };
  const fails = async (work: Promise<unknown>, words: string): Promise<void> => {
    const failure = await work.then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure).to.be.an.instanceOf(Error).with.property('message').that.includes(words);
  };

  it('sends pieces apart: each is a read of its own', async () => {
    const reads: string[] = [];
    await withSockets(
      (socket) => socket.on('data', (bytes) => reads.push(bytes.toString())),
      async (client) => {
        const pieces = Array.from({ length: 200 }, (_, index) => `${index};`);
        await client.sendApart(pieces);
        await turns(5);
        expect(reads).to.deep.equal(pieces);
      },
    );
  });

  it('tells an end from a reset', async () => {
    await withSockets(
      (socket) => socket.end(),
      async (client) => {
        expect(await client.ended()).to.equal('end');
      },
    );
    await withSockets(
      (socket) => socket.on('data', () => socket.resetAndDestroy()),
      async (client) => {
        expect(await client.send('x').ended()).to.equal('reset');
      },
    );
  });

  it('fails when the connection ends in place of a reply', async () => {
    await withSockets(
      (socket) => socket.end(),
      (client) => fails(client.response(), 'no reply'),
    );
  });

  it('fails when the connection ends inside a reply', async () => {
    await withSockets(
      (socket) => socket.end(`HTTP/1.1 200 OK\r\n${DATE}content-length: 5\r\n\r\nhel`),
      (client) => fails(client.response(), 'ended inside a reply'),
    );
  });

  it('fails when bytes stand behind the last reply', async () => {
    await withSockets(
      (socket) => socket.end(`HTTP/1.1 200 OK\r\n${DATE}content-length: 2\r\n\r\nhi!`),
      async (client) => {
        expect((await client.response()).body.toString()).to.equal('hi');
        await fails(client.ended(), 'behind the last reply');
      },
    );
  });

  it('fails when nothing comes, and says what it has', async () => {
    await withSockets(
      (socket) => socket.write('HTTP/1.1 2'),
      (client) => fails(client.response('GET', 50), 'HTTP/1.1 2'),
    );
  });

  it('tells a cut reply from a whole one', async () => {
    await withSockets(
      (socket) => socket.end(`HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n`),
      async (client) => {
        expect(await client.cut()).to.include({ ending: 'end', isComplete: false });
      },
    );
    await withSockets(
      (socket) => socket.end(`HTTP/1.1 200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`),
      async (client) => {
        expect(await client.cut()).to.include({ ending: 'end', isComplete: true });
      },
    );
  });

  it('reads fields without regard to case, and refuses one that stands twice', () => {
    expect(valueOf({ fields: [['A', 'b']] }, 'a')).to.equal('b');
    expect(() =>
      valueOf(
        {
          fields: [
            ['a', 'b'],
            ['A', 'c'],
          ],
        },
        'a',
      ),
    ).to.throw('2 times');
  });
});
