import { expect } from 'chai';
import type { ConnectionPort, ExchangePort } from '#src/transport/contracts.js';
import { Engine } from '#src/transport/engine.js';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';
import { answerWith, get, LIMITS, post, Reader, repliesIn, WireEngine } from './wire-engine.js';

const later: (exchange: ExchangePort) => void = () => {};
const ok = (body: string, extra: string = ''): string => `HTTP/1.1 200 OK~content-length: ${body.length}~${extra}~${body}`;
const refusal = (status: string, body: string): string => `HTTP/1.1 ${status}~content-length: ${body.length}~connection: close~~${body}`;

const answer = (exchange: ExchangePort, body: string): void => answerWith(body)(exchange);

describe('Connection', () => {
  describe('requests and replies', () => {
    it('answers one behind the other, and goes on', () => {
      const engine = new WireEngine(answerWith('a'));
      const { client } = engine.connect();
      for (let round = 0; round < 3; round++) {
        client.send(get());
        engine.clock.settle();
        expect(repliesIn(client.read())).to.deep.equal([ok('a')]);
      }
      expect(client.hasEnded).to.equal(false);
      expect(engine.faults).to.deep.equal([]);
    });

    it('reads pipelined requests wherever they are cut, and answers in order', () => {
      const text = get('/1') + post('content-length: 2', 'xy') + get('/3');
      for (let cut = 1; cut < text.length; cut++) {
        const engine = new WireEngine((exchange) => {
          const reader = new Reader();
          exchange.body?.read(reader);
          if (exchange.body === null) answer(exchange, exchange.head.uri);
          else engine.clock.nextTurn(() => answer(exchange, reader.text));
        });
        const { client } = engine.connect();
        client.send(text.slice(0, cut));
        client.send(text.slice(cut));
        engine.clock.advance(5);
        expect(repliesIn(client.text), `cut at ${cut}`).to.deep.equal([ok('/1'), ok('xy'), ok('/3')]);
      }
    });

    it('shows the next request when the one before it has been answered', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get('/1') + get('/2'));
      expect(engine.exchanges).to.have.lengthOf(1);
      engine.clock.advance(1_000);
      expect(engine.exchanges).to.have.lengthOf(1);
      answer(engine.exchanges[0], '1');
      expect(engine.exchanges.map(({ head }) => head.uri)).to.deep.equal(['/1', '/2']);
    });

    it('joins the replies of one turn into one write', () => {
      const engine = new WireEngine(answerWith('a'));
      const { stream, client } = engine.connect();
      client.send(get().repeat(10));
      engine.clock.settle();
      expect(stream.writes).to.have.lengthOf(1);
      expect(repliesIn(client.text)).to.have.lengthOf(10);
    });

    it('registers no listener for each request', () => {
      const engine = new WireEngine(answerWith('a'.repeat(100_000)));
      const { stream, client } = engine.connect();
      const counts = (): number[] => ['data', 'end', 'drain', 'close', 'error'].map((event) => stream.listenerCount(event));
      for (let round = 0; round < 20; round++) {
        client.send(get());
        engine.clock.settle();
      }
      expect(Math.max(...counts())).to.be.at.most(2); // the acceptor watches for the close as well
    });

    it('reads nothing ahead of a client that does not take its answers', () => {
      const engine = new WireEngine(answerWith('a'.repeat(70_000)));
      const { client, stream } = engine.connect({ credit: 0 });
      client.send(get().repeat(50));
      engine.clock.advance(10);
      expect(engine.exchanges.length).to.be.at.most(2);
      for (let sent = 0; sent < 100; sent++) client.send(get('/', `pad: ${'x'.repeat(1_000)}\r\n`));
      expect(stream.isPaused).to.equal(true);
      client.take();
      engine.clock.advance(1_000);
      expect(stream.isPaused).to.equal(false);
      expect(engine.exchanges).to.have.lengthOf(150);
    });

    it('stops reading when much waits behind a slow exchange, and goes on behind it', () => {
      const engine = new WireEngine(later);
      const { client, stream } = engine.connect();
      client.send(get());
      client.send('\r\n'.repeat(10_000));
      expect(stream.isPaused).to.equal(false);
      client.send('\r\n'.repeat(25_000));
      expect(stream.isPaused).to.equal(true);
      answer(engine.exchanges[0], 'a');
      engine.clock.settle();
      expect(client.text, 'so many empty lines are no head').to.include('HTTP/1.1 431');
    });
  });

  describe('persistence, RFC 9112 §9.3', () => {
    const cases: readonly (readonly [name: string, head: string, replied: string, closes: boolean])[] = [
      ['HTTP/1.1', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', ok('a'), false],
      ['HTTP/1.1 close', 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', ok('a', 'connection: close~'), true],
      ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', ok('a', 'connection: close~'), true],
      ['HTTP/1.0 keep-alive', 'GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n', ok('a', 'connection: keep-alive~'), false],
      ['HTTP/1.0 keep-alive, close', 'GET / HTTP/1.0\r\nconnection: keep-alive, close\r\n\r\n', ok('a', 'connection: close~'), true],
    ];
    for (const [name, text, replied, closes] of cases) {
      it(name, () => {
        const engine = new WireEngine(answerWith('a'));
        const { client } = engine.connect();
        client.send(text + get('/ignored-when-closed'));
        engine.clock.settle();
        expect(repliesIn(client.text)).to.deep.equal(closes ? [replied] : [replied, ok('a')]);
        expect(client.hasEnded).to.equal(closes);
      });
    }

    it('ends with the last request that is allowed', () => {
      const engine = new WireEngine(answerWith('a'), { maxRequestsPerConnection: 2 });
      const { client } = engine.connect();
      client.send(get().repeat(3));
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('a'), ok('a', 'connection: close~')]);
      expect(client.hasEnded).to.equal(true);
    });

    it('ends when the handler says so', () => {
      const engine = new WireEngine((exchange) => {
        exchange.begin(200, { connection: 'close' });
        exchange.end();
      });
      const { client } = engine.connect();
      client.send(get().repeat(2));
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('', 'connection: close~')]);
    });
  });

  describe('refusals', () => {
    it('answers once, behind the answers owed, and closes', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(`${get('/1')}GET / HTTP/9.9\r\n\r\n${get('/3')}`);
      engine.clock.settle();
      expect(client.text).to.equal('');
      answer(engine.exchanges[0], '1');
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([
        ok('1'),
        refusal('505 HTTP Version Not Supported', 'the HTTP version is not supported'),
      ]);
      expect(client.hasEnded).to.equal(true);
      expect(engine.exchanges).to.have.lengthOf(1);
      expect(engine.faults).to.deep.equal(['RHK_UNKNOWN_VERSION']);
    });

    it('has a date, and nothing of the input', () => {
      const engine = new WireEngine(later, { serverHeader: 'srv' });
      const { client } = engine.connect();
      client.send('GET / HTTP/1.1\r\nsecret : x\r\n\r\n');
      engine.clock.settle();
      expect(client.text).to.equal(
        'HTTP/1.1 400 Bad Request\r\nserver: srv\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n' +
          'content-type: text/plain; charset=utf-8\r\ncontent-length: 20\r\nconnection: close\r\n\r\nmalformed field name',
      );
    });

    it('has no body for HEAD', () => {
      const engine = new WireEngine(later, { maxBody: 1 });
      const { client } = engine.connect();
      client.send('HEAD / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n');
      engine.clock.settle();
      expect(client.text).to.match(/^HTTP\/1\.1 413 .*content-length: 29\r\nconnection: close\r\n\r\n$/s);
    });

    it('refuses a body by its announced length before a byte of it came, and exactly', () => {
      const engine = new WireEngine(later, { maxBody: 5 });
      const { client } = engine.connect();
      client.send(post('content-length: 5'));
      expect(engine.exchanges).to.have.lengthOf(1);
      const other = engine.connect().client;
      other.send(post('content-length: 6\r\nexpect: 100-continue'));
      engine.clock.settle();
      expect(repliesIn(other.text)).to.deep.equal([refusal('413 Payload Too Large', 'the request body is too large')]);
      expect(engine.faults).to.deep.equal(['RHK_BODY_TOO_LARGE']);
    });

    it('drops what still comes, for 5 s and 64 KiB', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send('broken\r\n');
      engine.clock.settle();
      expect(client.hasEnded).to.equal(true);
      client.send('x'.repeat(65_536));
      engine.clock.settle();
      expect(client.isClosed).to.equal(false);
      client.send('x');
      engine.clock.settle();
      expect(client.isClosed).to.equal(true);

      const patient = engine.connect().client;
      patient.send('broken\r\n');
      engine.clock.advance(4_000);
      expect(patient.isClosed).to.equal(false);
      engine.clock.advance(1_001);
      expect(patient.isClosed).to.equal(true);
      expect(patient.isReset).to.equal(false);
    });

    it('closes at once when the client does', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send('broken\r\n');
      engine.clock.settle();
      client.end();
      engine.clock.settle();
      expect([client.isClosed, engine.closed]).to.deep.equal([true, 1]);
    });
  });

  describe('a client that sends FIN', () => {
    it('is answered', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get());
      client.end();
      engine.clock.advance(100);
      answer(engine.exchanges[0], 'a');
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('a', 'connection: close~')]);
      expect(client.isClosed).to.equal(true);
      expect(engine.closed).to.equal(1);
    });

    it('is answered all that it pipelined', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get('/1') + get('/2') + get('/3'));
      client.end();
      for (const body of ['1', '2', '3']) {
        answer(engine.exchanges[Number(body) - 1], body);
        engine.clock.settle();
      }
      expect(repliesIn(client.text)).to.deep.equal([ok('1'), ok('2'), ok('3', 'connection: close~')]);
      expect(client.isClosed).to.equal(true);
    });

    it('is answered all that it pipelined though it takes its time', () => {
      const body = 'a'.repeat(100_000);
      const engine = new WireEngine(answerWith(body));
      const { client } = engine.connect({ credit: 0 });
      client.send(get().repeat(5));
      client.end();
      for (let second = 0; second < 20; second++) {
        client.take(50_000);
        engine.clock.advance(1_000);
      }
      expect(repliesIn(client.text)).to.deep.equal([...Array.from({ length: 4 }, () => ok(body)), ok(body, 'connection: close~')]);
      expect(client.isClosed).to.equal(true);
    });

    it('in the middle of a head is refused', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send('GET / HTT');
      client.end();
      engine.clock.settle();
      expect(client.text).to.include('400 Bad Request').and.include('the request head ended before its end');
      expect(client.isClosed).to.equal(true);
    });

    it('in the middle of a head behind a request that runs is refused behind its answer', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(`${get()}GET / HTT`);
      client.end();
      answer(engine.exchanges[0], 'a');
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('a'), refusal('400 Bad Request', 'the request head ended before its end')]);
      expect(client.isClosed).to.equal(true);
    });

    it('before anything is closed without a word', () => {
      for (const sent of ['', '\r\n', '\r\n\r']) {
        const engine = new WireEngine(later);
        const { client } = engine.connect();
        if (sent !== '') client.send(sent);
        client.end();
        engine.clock.settle();
        expect([client.text, client.isClosed], JSON.stringify(sent)).to.deep.equal(['', true]);
      }
    });

    it('is seen before anybody has started to read', () => {
      const clock = new VirtualClock();
      const acceptor = new MemoryAcceptor(clock);
      const ports: ConnectionPort[] = [];
      const engine = new Engine(acceptor, clock, LIMITS, {
        onListening: () => {},
        onConnection: (port) => ports.push(port),
        onBindError: () => {},
        onFault: () => {},
        onClosed: () => {},
      });
      engine.open();
      const { client } = acceptor.connect();
      client.end();
      clock.advance(1);
      expect(client.isClosed).to.equal(true);
      let closed = 0;
      ports[0].start({ onExchange: () => {}, onClosed: () => closed++ });
      expect(closed).to.equal(1);
    });

    it('in the middle of a body fails it', () => {
      for (const [fields, part] of [
        ['content-length: 5', 'ab'],
        ['transfer-encoding: chunked', '5\r\nab'],
        ['transfer-encoding: chunked', '2\r\nab\r\n0\r\n'],
      ]) {
        const reader = new Reader();
        const engine = new WireEngine((exchange) => exchange.body?.read(reader));
        const { client } = engine.connect();
        client.send(post(fields, part));
        client.end();
        expect([reader.text, reader.end], part).to.deep.equal(['ab', 'RHK_BODY_INCOMPLETE']);
      }
    });

    it('fails a body that nobody had read yet', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(post('content-length: 5'));
      client.end();
      const reader = new Reader();
      engine.exchanges[0].body?.read(reader);
      expect(reader.end).to.equal('RHK_BODY_INCOMPLETE');
    });
  });

  describe('a client that is gone', () => {
    it('settles its exchange once, and closes once', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get());
      const settled: string[] = [];
      engine.exchanges[0].onSettled = (how) => settled.push(how);
      client.reset();
      engine.ports[0].destroy();
      engine.clock.settle();
      expect(settled).to.deep.equal(['gone']);
      expect(engine.exchanges[0].isSettled).to.equal(true);
      expect(engine.closed).to.equal(1);
      expect(engine.faults, 'that is no fault').to.deep.equal([]);
    });

    it('fails its body', () => {
      const reader = new Reader();
      const engine = new WireEngine((exchange) => exchange.body?.read(reader));
      const { client } = engine.connect();
      client.send(post('content-length: 5', 'ab'));
      client.reset();
      expect(reader.end).to.equal('RHK_CLIENT_GONE');
    });

    it('may be written to in vain', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get());
      client.reset();
      answer(engine.exchanges[0], 'late');
      engine.exchanges[0].cut(new Error('later'));
      engine.clock.settle();
      expect(engine.faults).to.deep.equal([]);
    });
  });

  describe('bodies', () => {
    it('wait while nobody reads, a little here and the rest with the client', () => {
      const engine = new WireEngine(later);
      const { client, stream } = engine.connect();
      client.send(post('content-length: 1000000', 'a'.repeat(65_535)));
      expect(stream.isPaused, 'a client that leaves must be noticed').to.equal(false);
      client.send('b');
      expect(stream.isPaused).to.equal(true);
      const reader = new Reader();
      const [{ body }] = engine.exchanges;
      body?.read(reader);
      engine.clock.settle();
      expect([reader.text.length, stream.isPaused]).to.deep.equal([65_536, false]);
      body?.pause();
      client.send('c'.repeat(65_536));
      expect([reader.text.length, stream.isPaused]).to.deep.equal([65_536, true]);
      client.send('d');
      body?.resume();
      engine.clock.settle();
      expect([reader.text.length, stream.isPaused]).to.deep.equal([131_073, false]);
      expect(reader.text).to.match(/^a+bc+d$/);
    });

    it('are asked for with 100 Continue when they are wanted, once, and not before', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(post('content-length: 4\r\nexpect: 100-continue'));
      engine.clock.advance(100);
      expect(client.text).to.equal('');
      const reader = new Reader();
      const [exchange] = engine.exchanges;
      exchange.body?.read(reader);
      exchange.body?.pause();
      exchange.body?.resume();
      engine.clock.settle();
      expect(client.read()).to.equal('HTTP/1.1 100 Continue\r\n\r\n');
      client.send('abcd');
      answer(exchange, reader.text);
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('abcd')]);
    });

    it('are not asked for when they are there, or when the reply is on its way', () => {
      const engine = new WireEngine((exchange) => exchange.body?.read(new Reader()));
      const { client } = engine.connect();
      client.send(post('content-length: 4\r\nexpect: 100-continue', 'ab'));
      engine.clock.settle();
      expect(client.text).to.equal('');

      const slow = new WireEngine(later);
      const other = slow.connect().client;
      other.send(post('content-length: 4\r\nexpect: 100-continue'));
      const [exchange] = slow.exchanges;
      exchange.begin(200, undefined);
      exchange.write('a');
      slow.clock.settle();
      exchange.body?.read(new Reader());
      slow.clock.settle();
      expect(other.text).to.not.include('100 Continue');
    });

    it('that nobody wants are skipped when small, and close the connection when large', () => {
      const engine = new WireEngine(answerWith('a'));
      const small = engine.connect().client;
      small.send(post('content-length: 65536') + 'x'.repeat(65_536) + get());
      engine.clock.settle();
      expect(repliesIn(small.text)).to.deep.equal([ok('a'), ok('a')]);
      const large = engine.connect().client;
      large.send(post('content-length: 65537', 'x'));
      engine.clock.settle();
      expect(repliesIn(large.text)).to.deep.equal([ok('a', 'connection: close~')]);
      expect(large.hasEnded).to.equal(true);
    });

    it('that nobody wants and whose length nobody knows are skipped up to a limit', () => {
      const engine = new WireEngine(answerWith('a'));
      const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
      const fine = engine.connect().client;
      fine.send(`${post('transfer-encoding: chunked')}${chunk(65_536)}0\r\n\r\n${get()}`);
      engine.clock.settle();
      expect(repliesIn(fine.text)).to.deep.equal([ok('a'), ok('a')]);
      const long = engine.connect().client;
      long.send(`${post('transfer-encoding: chunked')}${chunk(65_536)}${chunk(1)}0\r\n\r\n${get()}`);
      engine.clock.settle();
      expect(repliesIn(long.text)).to.deep.equal([ok('a')]);
      expect(long.hasEnded).to.equal(true);
    });

    it('that a client announced and waits with are not waited for', () => {
      const engine = new WireEngine(answerWith('a'));
      const { client } = engine.connect();
      client.send(post('content-length: 4\r\nexpect: 100-continue'));
      engine.clock.settle();
      expect(client.hasEnded).to.equal(true); // whether the body follows, nobody can know
    });

    it('that are malformed fail the reader, and end the connection behind the reply', () => {
      const reader = new Reader();
      const engine = new WireEngine((exchange) => exchange.body?.read(reader));
      const { client } = engine.connect();
      client.send(`${post('transfer-encoding: chunked', '2\r\nab\r\nx')}${get()}`);
      expect([reader.text, reader.end]).to.deep.equal(['ab', 'RHK_BAD_CHUNK']);
      answerWith('bad', 400)(engine.exchanges[0]);
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal(['HTTP/1.1 400 Bad Request~content-length: 3~connection: close~~bad']);
      expect(client.hasEnded).to.equal(true);
    });

    it('are counted when chunked, exactly', () => {
      const reader = new Reader();
      const engine = new WireEngine((exchange) => exchange.body?.read(reader), { maxBody: 5 });
      engine.connect().client.send(post('transfer-encoding: chunked', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'));
      expect([reader.text, reader.end]).to.deep.equal(['abcde', '|']);
      const other = new Reader();
      const strict = new WireEngine((exchange) => exchange.body?.read(other), { maxBody: 5 });
      strict.connect().client.send(post('transfer-encoding: chunked', '3\r\nabc\r\n3\r\n'));
      expect([other.text, other.end], 'by the size line, before the data').to.deep.equal(['abc', 'RHK_BODY_TOO_LARGE']);
    });

    it('may be read once', () => {
      const engine = new WireEngine(later);
      engine.connect().client.send(post('content-length: 1', 'a'));
      const body = engine.exchanges[0].body;
      body?.read(new Reader());
      expect(() => body?.read(new Reader()))
        .to.throw()
        .with.property('code', 'RHK_BODY_USED');
    });

    it('let the next request wait while an early answer is out and they are read on', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(post('content-length: 4', 'ab'));
      const reader = new Reader();
      engine.exchanges[0].body?.read(reader);
      answer(engine.exchanges[0], 'early');
      engine.clock.settle();
      expect(repliesIn(client.read())).to.deep.equal([ok('early')]);
      client.send(`cd${get('/next')}`);
      expect([reader.text, reader.end]).to.deep.equal(['abcd', '|']);
      expect(engine.exchanges.map(({ head }) => head.uri)).to.deep.equal(['/', '/next']);
    });

    it('have their trailers apart from the headers', () => {
      const engine = new WireEngine((exchange) => exchange.body?.read(new Reader()));
      engine.connect().client.send(post('transfer-encoding: chunked', '0\r\nHost: y\r\nA: b\r\n\r\n'));
      const [{ head, body }] = engine.exchanges;
      expect({ ...body?.trailers }).to.deep.equal({ host: 'y', a: 'b' });
      expect(head.headers['a']).to.equal(undefined);
      expect(head.serverName).to.equal('x');
    });

    it('share the budgets of their head', () => {
      const reader = new Reader();
      const engine = new WireEngine((exchange) => exchange.body?.read(reader), { maxHeaders: 3 });
      engine.connect().client.send(post('transfer-encoding: chunked', '0\r\na: b\r\nc: d\r\n\r\n'));
      expect(reader.end).to.equal('RHK_TOO_MANY_FIELDS');
    });
  });

  describe('drain and destroy', () => {
    it('close an idle connection at once', () => {
      const engine = new WireEngine(answerWith('a'));
      const idle = engine.connect().client;
      const used = engine.connect().client;
      used.send(get());
      engine.clock.settle();
      engine.engine.drain(100);
      engine.clock.settle();
      expect([idle.isClosed, used.isClosed, engine.isClosed]).to.deep.equal([true, true, true]);
    });

    it('leave a connection that has sent nothing its time for a first request, which is its last', () => {
      const engine = new WireEngine(answerWith('a'));
      const fresh = engine.connect().client;
      const silent = engine.connect().client;
      const used = engine.connect().client;
      used.send(get());
      engine.clock.settle();
      engine.engine.drain(100_000, 1_000);
      engine.clock.advance(500);
      expect([fresh.isClosed, silent.isClosed, used.isClosed]).to.deep.equal([false, false, true]);
      fresh.send(get());
      engine.clock.settle();
      expect(fresh.read()).to.include('connection: close\r\n').and.include('\r\n\r\na');
      engine.clock.advance(500);
      expect(silent.isClosed, 'after the first tick').to.equal(false);
      engine.clock.advance(1_000);
      silent.end();
      fresh.end();
      engine.clock.settle();
      expect([silent.isClosed, fresh.isClosed, engine.isClosed]).to.deep.equal([true, true, true]);
    });

    it('let what runs finish', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get() + get());
      engine.engine.drain(100);
      engine.clock.advance(1_000);
      expect(engine.isClosed).to.equal(false);
      answer(engine.exchanges[0], 'a');
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('a', 'connection: close~')]);
      expect(engine.exchanges).to.have.lengthOf(1);
      client.end();
      engine.clock.settle();
      expect(engine.isClosed).to.equal(true);
    });

    it('let a head that has begun be finished and answered', () => {
      const engine = new WireEngine(answerWith('a'));
      const { client } = engine.connect();
      client.send('GET / HTTP/1.1\r\n');
      engine.engine.drain(100);
      engine.clock.settle();
      expect(client.isClosed).to.equal(false);
      client.send('host: x\r\n\r\n');
      engine.clock.settle();
      expect(repliesIn(client.text)).to.deep.equal([ok('a', 'connection: close~')]);
    });

    it('send what was answered and not taken yet', () => {
      const engine = new WireEngine(answerWith('a'.repeat(200_000)));
      const { client } = engine.connect({ credit: 10 });
      client.send(get());
      engine.clock.settle();
      engine.engine.drain(100);
      engine.clock.settle();
      expect(client.isClosed).to.equal(false);
      client.take();
      engine.clock.settle();
      expect(client.text).to.match(/a{200000}$/);
      expect(client.hasEnded).to.equal(true);
    });

    it('refuse who comes too late', () => {
      const engine = new WireEngine(later);
      engine.connect(); // keeps the port
      const running = engine.connect().client;
      running.send(get());
      engine.engine.drain(100);
      const { stream } = engine.connect();
      expect(stream.destroyed).to.equal(true);
      expect(engine.ports).to.have.lengthOf(2);
    });

    it('cut what runs', () => {
      const engine = new WireEngine(later);
      const { client } = engine.connect();
      client.send(get());
      const settled: string[] = [];
      engine.exchanges[0].onSettled = (how) => settled.push(how);
      engine.engine.destroy();
      expect(settled).to.deep.equal(['gone']);
      engine.clock.settle();
      expect([client.isClosed, engine.isClosed, engine.closed]).to.deep.equal([true, true, 1]);
    });
  });

  it('survives an answerer that throws, with that connection alone lost', () => {
    const engine = new WireEngine((exchange) => {
      if (exchange.head.uri === '/throw') throw new Error('thrown');
      answer(exchange, 'a');
    });
    const broken = engine.connect().client;
    const other = engine.connect().client;
    broken.send(get('/throw'));
    other.send(get());
    engine.clock.settle();
    expect([broken.isClosed, broken.text]).to.deep.equal([true, '']);
    expect(repliesIn(other.text)).to.deep.equal([ok('a')]);
    expect(engine.faults).to.deep.equal(['Error: thrown']);
  });

  it('knows both of its ends', () => {
    const engine = new WireEngine(later);
    engine.connect({ remoteAddress: '203.0.113.5', remotePort: 7, localAddress: '203.0.113.6', localPort: 8 });
    const { remoteAddr, remotePort, localAddr, localPort } = engine.ports[0].peer;
    expect([remoteAddr, remotePort, localAddr, localPort]).to.deep.equal(['203.0.113.5', 7, '203.0.113.6', 8]);
  });
});
