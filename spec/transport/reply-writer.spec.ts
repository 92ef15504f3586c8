import { expect } from 'chai';
import type { ExchangePort, WireLimits } from '#src/transport/contracts.js';
import { get, repliesIn, WireEngine } from './wire-engine.js';

/** What a client gets when `act` answers its request; all of it happens in one turn. */
const replied = (act: (exchange: ExchangePort) => void, request: string = get(), limits: Partial<WireLimits> = {}) => {
  const engine = new WireEngine(act, limits);
  const { client, stream } = engine.connect();
  client.send(request);
  engine.clock.settle();
  return { engine, client, stream, exchange: engine.exchanges[0], replies: repliesIn(client.text) };
};
const wireOf = (act: (exchange: ExchangePort) => void, request?: string): string => replied(act, request).replies.join('');

const OLD = 'GET / HTTP/1.0\r\n\r\n';
const HEAD = 'HEAD / HTTP/1.1\r\nhost: x\r\n\r\n';

describe('ReplyWriter', () => {
  describe('a reply that ends in its turn', () => {
    it('has a content-length', () => {
      expect(
        wireOf((exchange) => {
          exchange.begin(201, { a: 'b' });
          exchange.write('hello');
          exchange.end();
        }),
      ).to.equal('HTTP/1.1 201 Created~a: b~content-length: 5~~hello');
    });

    it('has one in octets, not in characters', () => {
      const { client } = replied((exchange) => {
        exchange.begin(200, undefined);
        exchange.write('é€');
        exchange.end();
      });
      expect(client.text).to.match(/content-length: 5\r\n\r\n.{5}$/s);
      expect(Buffer.from(client.text.slice(-5), 'latin1').toString()).to.equal('é€');
    });

    it('has one that is right, whatever the handler said', () => {
      for (const announced of [0, 4, 6, 1_000]) {
        const text = wireOf((exchange) => {
          exchange.begin(200, { 'content-length': announced });
          exchange.write('hello');
          exchange.end();
        });
        expect(text).to.equal('HTTP/1.1 200 OK~content-length: 5~~hello');
      }
    });

    it('has one of 0 without a piece, and no type', () => {
      const { client } = replied((exchange) => {
        exchange.begin(200, { 'content-length': 5 });
        exchange.write('');
        exchange.end();
      });
      expect(client.text).to.match(/^HTTP\/1.1 200 OK\r\ndate: [^\r]+\r\ncontent-length: 0\r\n\r\n$/);
    });

    it('may be begun anew', () => {
      const text = wireOf((exchange) => {
        exchange.begin(200, { a: 'b' });
        exchange.write('first');
        exchange.begin(500, { c: 'd' });
        exchange.write('second');
        exchange.end();
      });
      expect(text).to.equal('HTTP/1.1 500 Internal Server Error~c: d~content-length: 6~~second');
    });

    it('keeps what was begun when the second begin is refused', () => {
      const text = wireOf((exchange) => {
        exchange.begin(200, { a: 'b' });
        exchange.write('first');
        expect(() => exchange.begin(99, undefined))
          .to.throw()
          .with.property('code', 'RHK_BAD_STATUS');
        expect(() => exchange.begin(200, { a: '\n' }))
          .to.throw()
          .with.property('code', 'RHK_BAD_HEADER');
        exchange.end();
      });
      expect(text).to.equal('HTTP/1.1 200 OK~a: b~content-length: 5~~first');
    });
  });

  it('gives a type to text and to bytes, not over the one of the handler', () => {
    const typeOf = (piece: string | Uint8Array, headers?: Record<string, string>): string | undefined => {
      const { client } = replied((exchange) => {
        exchange.begin(200, headers);
        exchange.write(piece);
        exchange.end();
      });
      return /content-type: ([^\r]*)/i.exec(client.text)?.[1];
    };
    expect(typeOf('a')).to.equal('text/plain; charset=utf-8');
    expect(typeOf(Buffer.from('a'))).to.equal('application/octet-stream');
    expect(typeOf('a', { 'Content-Type': 'text/html' })).to.equal('text/html');
  });

  it('has server and date, unless the handler has its own', () => {
    const act =
      (headers?: Record<string, string>) =>
      (exchange: ExchangePort): void => {
        exchange.begin(204, headers);
        exchange.end();
      };
    const text = (headers?: Record<string, string>): string => replied(act(headers), get(), { serverHeader: 's' }).client.text;
    expect(text()).to.equal('HTTP/1.1 204 No Content\r\nserver: s\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n');
    expect(text({ Date: 'x' })).to.equal('HTTP/1.1 204 No Content\r\nserver: s\r\nDate: x\r\n\r\n');
    expect(text({ Server: 'x' })).to.equal('HTTP/1.1 204 No Content\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: x\r\n\r\n');
    expect(replied(act(), get()).client.text).to.not.include('server:');
  });

  describe('a reply that goes on', () => {
    const twoPieces = (exchange: ExchangePort): void => {
      exchange.begin(200, undefined);
      exchange.write('hello');
      exchange.write(Buffer.from('hi'));
    };

    it('is chunked', () => {
      expect(wireOf(twoPieces)).to.equal('HTTP/1.1 200 OK~transfer-encoding: chunked~~5~hello~2~hi~');
      const { exchange, client, engine } = replied(twoPieces);
      client.read();
      exchange.write('');
      engine.clock.settle();
      expect(client.read(), 'an empty piece would end the body').to.equal('');
      exchange.write('é');
      exchange.end();
      engine.clock.settle();
      expect(client.text).to.equal('2\r\n\xc3\xa9\r\n0\r\n\r\n');
      expect(client.hasEnded).to.equal(false);
    });

    it('is chunked when one piece was all in its first turn, and its head leaves with the turn', () => {
      const { client, exchange, engine } = replied((port) => port.begin(200, undefined));
      expect(repliesIn(client.read())).to.deep.equal(['HTTP/1.1 200 OK~transfer-encoding: chunked~~']);
      expect(exchange.isHeadSent).to.equal(true);
      exchange.begin(500, undefined);
      exchange.end();
      engine.clock.settle();
      expect(client.text, 'a head is sent once').to.equal('0\r\n\r\n');
    });

    it('ends with the connection for HTTP/1.0', () => {
      const { client, exchange, engine } = replied(twoPieces, OLD.replace('\r\n\r\n', '\r\nconnection: keep-alive\r\n\r\n'));
      expect(repliesIn(client.text)).to.deep.equal(['HTTP/1.1 200 OK~connection: close~~hellohi']);
      expect(client.hasEnded).to.equal(false);
      exchange.end();
      engine.clock.settle();
      expect(client.hasEnded).to.equal(true);
    });

    describe('with a content-length of the handler', () => {
      const announced =
        (length: number, ...pieces: readonly string[]) =>
        (exchange: ExchangePort): void => {
          exchange.begin(200, { 'content-length': length });
          for (const piece of pieces) exchange.write(piece);
        };

      it('is sent with it, and goes on behind it', () => {
        for (const request of [get(), OLD.replace('\r\n\r\n', '\r\nconnection: keep-alive\r\n\r\n')]) {
          const { client, exchange, engine } = replied(announced(6, 'abc', 'def'), request);
          exchange.end();
          engine.clock.settle();
          expect(client.text).to.match(/content-length: 6\r\n(?:connection: keep-alive\r\n)?\r\nabcdef$/);
          expect(client.hasEnded).to.equal(false);
          expect(engine.faults).to.deep.equal([]);
        }
      });

      it('is cut where it ends too soon', () => {
        const { client, exchange, engine } = replied(announced(7, 'abc', 'def'));
        exchange.end();
        engine.clock.settle();
        expect(client.text).to.match(/\r\n\r\nabcdef$/);
        expect([client.isClosed, client.isReset]).to.deep.equal([true, false]);
        expect(engine.faults).to.deep.equal(['RHK_BODY_LENGTH']);
      });

      it('is cut where it goes on too long, without the octets that are too many', () => {
        for (const pieces of [
          ['abcdef', 'g'],
          ['abc', 'defg'],
          ['abcdefg', 'h'],
        ]) {
          const { client, engine } = replied(announced(6, ...pieces));
          expect(client.text.split('\r\n\r\n')[1].length).to.be.at.most(6);
          expect(client.isClosed).to.equal(true);
          expect(engine.faults).to.deep.equal(['RHK_BODY_LENGTH']);
        }
      });
    });
  });

  describe('a reply without content', () => {
    const streaming =
      (status: number, headers?: Record<string, string | number>) =>
      (exchange: ExchangePort): void => {
        exchange.begin(status, headers);
        exchange.write('never');
        exchange.write('sent');
        exchange.end();
      };
    const whole =
      (status: number, headers?: Record<string, string | number>) =>
      (exchange: ExchangePort): void => {
        exchange.begin(status, headers);
        exchange.write('never');
        exchange.end();
      };
    const typed = { 'content-type': 'a/b' };

    it('is that to HEAD, with the framing that GET would have had', () => {
      expect(wireOf(whole(200), HEAD)).to.equal('HTTP/1.1 200 OK~content-length: 5~~');
      expect(wireOf(streaming(200), HEAD)).to.equal('HTTP/1.1 200 OK~transfer-encoding: chunked~~');
      expect(wireOf(streaming(200, { 'content-length': 9 }), HEAD)).to.equal('HTTP/1.1 200 OK~content-length: 9~~');
      const known = (exchange: ExchangePort): void => {
        exchange.begin(200, { 'content-length': 9 });
        exchange.end();
      };
      expect(wireOf(known, HEAD)).to.equal('HTTP/1.1 200 OK~content-length: 9~~');
    });

    it('is 204, without a length', () => {
      expect(wireOf(whole(204, { ...typed, 'content-length': 5 }))).to.equal('HTTP/1.1 204 No Content~content-type: a/b~~');
      expect(wireOf(streaming(204, typed))).to.equal('HTTP/1.1 204 No Content~content-type: a/b~~');
      expect(wireOf(whole(204, typed), HEAD)).to.equal('HTTP/1.1 204 No Content~content-type: a/b~~');
    });

    it('is 304, with the length that the handler gives', () => {
      expect(wireOf(whole(304, typed))).to.equal('HTTP/1.1 304 Not Modified~content-type: a/b~~');
      expect(wireOf(whole(304, { ...typed, 'content-length': 9 }))).to.equal(
        'HTTP/1.1 304 Not Modified~content-type: a/b~content-length: 9~~',
      );
      expect(wireOf(streaming(304, { ...typed, 'content-length': 9 }))).to.equal(
        'HTTP/1.1 304 Not Modified~content-type: a/b~content-length: 9~~',
      );
    });

    it('is 205, with a length of 0', () => {
      expect(wireOf(whole(205, typed))).to.equal('HTTP/1.1 205 Reset Content~content-type: a/b~content-length: 0~~');
      expect(wireOf(streaming(205, typed))).to.equal('HTTP/1.1 205 Reset Content~content-type: a/b~content-length: 0~~');
    });

    it('leaves the connection to the next', () => {
      const { replies } = replied(streaming(200), HEAD + HEAD);
      expect(replies).to.have.lengthOf(2);
    });

    it('settles its exchange when it streams, as answered', () => {
      const settled: string[] = [];
      replied((exchange) => {
        exchange.onSettled = (how) => settled.push(how);
        exchange.begin(200, undefined);
        exchange.write('a');
        exchange.write('b');
        expect(exchange.isSettled).to.equal(true);
        exchange.write('c');
        exchange.end();
      }, HEAD);
      expect(settled).to.deep.equal(['answered']);
    });
  });

  describe('a reply that is cut', () => {
    it('before its head leaves nothing on the wire', () => {
      const { client, engine } = replied((exchange) => {
        exchange.begin(200, undefined);
        exchange.write('a');
        exchange.cut(new Error('x'));
      });
      expect([client.text, client.isClosed]).to.deep.equal(['', true]);
      expect(engine.faults).to.deep.equal(['Error: x']);
    });

    it('misses its last chunk', () => {
      const { client, engine, exchange } = replied((port) => {
        port.begin(200, undefined);
        port.write('a');
        port.write('b');
      });
      const settled: string[] = [];
      exchange.onSettled = (how) => settled.push(how);
      exchange.cut(undefined);
      exchange.cut(new Error('again'));
      exchange.write('c');
      exchange.end();
      engine.clock.settle();
      expect(client.text).to.match(/1\r\nb\r\n$/);
      expect([client.isClosed, client.isReset]).to.deep.equal([true, false]);
      expect(engine.faults, 'a cut without a reason is no fault').to.deep.equal([]);
      expect(settled).to.deep.equal(['gone']);
    });

    it('is a reset where the end would look like an end', () => {
      const { client, engine, exchange } = replied((port) => {
        port.begin(200, undefined);
        port.write('a');
        port.write('b');
      }, OLD);
      exchange.cut(undefined);
      engine.clock.settle();
      expect([client.isClosed, client.isReset]).to.deep.equal([true, true]);
    });
  });

  describe('credit', () => {
    const begun = (credit: number, limits: Partial<WireLimits> = {}) => {
      const engine = new WireEngine((exchange) => exchange.begin(200, undefined), limits);
      const { client, stream } = engine.connect({ credit });
      client.send(get());
      engine.clock.settle();
      return { engine, client, stream, exchange: engine.exchanges[0] };
    };
    const piece = 'x'.repeat(10_000);

    it('ends when as much waits as should, and comes back when the client has taken it', () => {
      const { engine, client, exchange } = begun(0);
      let drains = 0;
      exchange.onDrain = () => drains++;
      let written = 1;
      while (exchange.write(piece)) {
        written++;
        engine.clock.settle();
      }
      expect(written).to.be.within(7, 20);
      engine.clock.advance(10);
      expect(drains).to.equal(0);
      client.take(1_000);
      engine.clock.advance(10);
      expect(drains, 'little is not enough').to.equal(0);
      client.take();
      engine.clock.advance(10);
      expect(drains).to.equal(1);
      expect(exchange.write(piece)).to.equal(true);
    });

    it('comes back in a later turn where the client takes all at once', () => {
      const { engine, exchange } = begun(Infinity);
      let drains = 0;
      exchange.onDrain = () => drains++;
      while (exchange.write(piece));
      expect(drains).to.equal(0);
      engine.clock.advance(2);
      expect(drains).to.equal(1);
    });

    it('ends after many empty pieces: a turn must end', () => {
      const { engine, exchange } = begun(Infinity);
      let drains = 0;
      exchange.onDrain = () => drains++;
      let written = 1;
      while (exchange.write('') && written < 100_000) written++;
      expect(written).to.be.below(10_000);
      engine.clock.advance(2);
      expect(drains).to.equal(1);
    });

    it('that is passed by a source that pushes cuts the reply with a reset', () => {
      const { engine, client, exchange } = begun(0, { maxBufferedBytes: 200_000 });
      const settled: string[] = [];
      exchange.onSettled = (how) => settled.push(how);
      let written = 0;
      while (!exchange.isSettled && written < 1_000) {
        exchange.write(piece);
        written++;
      }
      expect(written, '200,000 octets, and the piece that finds them').to.be.within(20, 22);
      engine.clock.settle();
      expect(settled).to.deep.equal(['gone']);
      expect(engine.faults).to.deep.equal(['RHK_SLOW_CLIENT']);
      expect([client.isClosed, client.isReset]).to.deep.equal([true, true]);
    });

    it('counts what the socket holds as well', () => {
      const { engine, exchange } = begun(0, { maxBufferedBytes: 200_000 });
      for (let turn = 0; turn < 19; turn++) {
        exchange.write(piece);
        engine.clock.settle();
      }
      expect(exchange.isSettled).to.equal(false);
      for (let turn = 0; turn < 3; turn++) {
        exchange.write(piece);
        engine.clock.settle();
      }
      expect(exchange.isSettled).to.equal(true);
    });

    it('may be passed by one piece, however large', () => {
      const { engine, client, exchange } = begun(0, { maxBufferedBytes: 1_000 });
      exchange.write('x'.repeat(5_000_000));
      expect(exchange.isSettled).to.equal(false);
      exchange.end();
      client.take();
      engine.clock.advance(1_000);
      expect(client.text).to.match(/x{5000000}\r\n0\r\n\r\n$/);
    });
  });
});
