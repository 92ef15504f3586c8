import { expect } from 'chai';
import { HttpKitError, OverloadError } from '#src/errors.js';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';
import type { WireFault } from '#src/transport/contracts.js';
import { Engine } from '#src/transport/engine.js';
import { answerWith, get, LIMITS, repliesIn, WireEngine } from './wire-engine.js';

const OK = 'HTTP/1.1 200 OK~content-length: 1~~a';

/** An engine alone, and all that it tells, a line each; connections are not started. */
const watched = (bindError?: Error) => {
  const clock = new VirtualClock();
  const acceptor = new MemoryAcceptor(clock, bindError);
  const log: string[] = [];
  const faults: WireFault[] = [];
  const engine = new Engine(acceptor, clock, LIMITS, {
    onListening: ({ ip, port }) => log.push(`listening ${ip}:${port}`),
    onConnection: () => log.push('connection'),
    onBindError: ({ message }) => log.push(`bind error ${message}`),
    onFault: (fault) => {
      faults.push(fault);
      log.push('fault');
    },
    onClosed: () => log.push('closed'),
  });
  return { clock, acceptor, engine, log, faults };
};

describe('Engine', () => {
  it('tells of each connection that was refused, and serves the others', () => {
    const { engine, acceptor, clock, faults } = new WireEngine(answerWith('a'));
    const { client } = acceptor.connect();
    acceptor.refuse();
    acceptor.refuse();
    expect(faults).to.deep.equal(['RHK_TOO_MANY_CONNECTIONS', 'RHK_TOO_MANY_CONNECTIONS']);
    client.send(get());
    clock.settle();
    expect(repliesIn(client.read())).to.deep.equal([OK]);
    engine.destroy();
  });

  it('tells of a refusal as overload, of no peer and no request', () => {
    const { engine, acceptor, clock, faults } = watched();
    engine.open();
    clock.settle();
    acceptor.refuse();
    expect(faults).to.have.lengthOf(1);
    expect(faults[0].error).to.be.instanceOf(OverloadError).with.property('code', 'RHK_TOO_MANY_CONNECTIONS');
    expect(faults[0]).to.include({ peer: undefined, head: undefined });
  });

  it('tells why a connection could not be accepted, and accepts the next', () => {
    const { engine, acceptor, clock, faults, log } = watched();
    engine.open();
    clock.settle();
    const cause = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
    acceptor.fail(cause);
    expect(faults[0].error).to.be.instanceOf(HttpKitError).and.not.instanceOf(OverloadError);
    expect(faults[0].error).to.include({ code: 'RHK_ACCEPT_FAILED', cause });
    expect(faults[0]).to.include({ peer: undefined, head: undefined });
    acceptor.connect();
    expect(log).to.deep.equal(['listening 198.51.100.1:80', 'fault', 'connection']);
  });

  it('leaves open connections alone when it cannot accept', () => {
    const { acceptor, clock, faults } = new WireEngine(answerWith('a'));
    const { client } = acceptor.connect();
    acceptor.fail(new Error('accept EMFILE'));
    expect(faults).to.deep.equal(['RHK_ACCEPT_FAILED']);
    client.send(get());
    clock.settle();
    expect(repliesIn(client.read())).to.deep.equal([OK]);
  });

  it('tells of an error before it listens as the bind that failed, and of nothing else', () => {
    const { engine, clock, log } = watched(new Error('listen EADDRINUSE'));
    engine.open();
    clock.settle();
    expect(log).to.deep.equal(['bind error listen EADDRINUSE']);
  });

  it('closes a connection that comes while it drains, unseen', () => {
    const { engine, acceptor, clock, log } = watched();
    engine.open();
    clock.settle();
    engine.drain(100);
    const stream = acceptor.connect();
    expect(stream.destroyed).to.equal(true);
    clock.settle();
    expect(log).to.deep.equal(['listening 198.51.100.1:80', 'closed']);
  });

  it('tells of an error of the listening socket while it drains as any other', () => {
    const { engine, acceptor, clock, log } = watched();
    engine.open();
    clock.settle();
    engine.drain(100);
    acceptor.fail(new Error('late'));
    clock.settle();
    expect(log).to.deep.equal(['listening 198.51.100.1:80', 'fault', 'closed']);
  });

  it('is closed once, when nothing listens and the last connection has closed', () => {
    const engine = new WireEngine((exchange) => void exchange);
    const { client } = engine.connect();
    client.send(get());
    engine.clock.settle();
    engine.engine.drain(100);
    engine.engine.drain(100);
    engine.clock.settle();
    expect([engine.isClosed, engine.closed]).to.deep.equal([false, 0]);
    answerWith('a')(engine.exchanges[0]);
    client.end();
    engine.clock.settle();
    expect([engine.isClosed, engine.closed]).to.deep.equal([true, 1]);
  });
});
