/** What the engine relies on in an `Acceptor`: the same for ports, Unix sockets and memory. */
import { expect } from 'chai';
import type { Acceptor, AcceptorListener, BoundAddress, ByteStream } from '#src/transport/contracts.js';
import type { PeerEnd } from './ends.js';

/** One place to listen at, and those who come to it. */
export interface Port {
  /** Another acceptor at the same place each time. */
  createAcceptor(options?: { readonly maxConnections?: number }): Acceptor;
  /** One that cannot listen there, because somebody does. */
  createRival(): Acceptor;
  /** Whoever comes to where `createAcceptor`'s listens. Refused, it has been reset. */
  connect(address: BoundAddress): PeerEnd;
  settle(): Promise<void>;
  /** Whether the address has an ip and a port, or a path. */
  readonly hasPath: boolean;
  dispose(): Promise<void>;
}

export const describeAcceptor = (name: string, createPort: () => Promise<Port>): void => {
  describe(`an Acceptor of ${name}`, () => {
    let port: Port;
    beforeEach(async () => {
      port = await createPort();
    });
    afterEach(() => port.dispose());

    const until = async (isSo: () => boolean): Promise<void> => {
      while (!isSo()) await port.settle();
    };

    it('tells in a later turn that it listens, and where', async () => {
      const watcher = new Watcher();
      const acceptor = port.createAcceptor();
      acceptor.open(watcher);
      expect(watcher.log).to.deep.equal([]);
      await until(() => watcher.log.length > 0);
      expect(watcher.log).to.deep.equal(['listening']);
      const { ip, port: number, path } = watcher.boundTo;
      if (port.hasPath) expect([ip, number, typeof path]).to.deep.equal([undefined, undefined, 'string']);
      else expect([typeof ip, typeof number, path]).to.deep.equal(['string', 'number', undefined]);
      acceptor.close();
      await until(() => watcher.log.includes('closed'));
    });

    it('tells that it cannot bind, and nothing else, even when it is closed then', async () => {
      const watcher = new Watcher();
      const rival = port.createRival();
      rival.open(watcher);
      expect(watcher.log).to.deep.equal([]);
      await until(() => watcher.log.length > 0);
      expect(watcher.log).to.deep.equal(['error EADDRINUSE']);
      rival.close();
      await port.settle();
      expect(watcher.log).to.deep.equal(['error EADDRINUSE']);
    });

    it('only tells that it is closed when it was closed before it listened', async () => {
      const watcher = new Watcher();
      const acceptor = port.createAcceptor();
      acceptor.open(watcher);
      acceptor.close();
      expect(watcher.log).to.deep.equal([]);
      await until(() => watcher.log.length > 0);
      await port.settle();
      expect(watcher.log).to.deep.equal(['closed']);
    });

    it('hands over each connection, and both ends are of one', async () => {
      const { watcher, acceptor, address } = await listening();
      const one = port.connect(address);
      await until(() => watcher.streams.length === 1);
      const other = port.connect(address);
      await until(() => watcher.streams.length === 2);
      watcher.streams[0].write('one', 'latin1');
      watcher.streams[1].write('other', 'latin1');
      await until(() => one.received !== '' && other.received !== '');
      expect([one.received, other.received]).to.deep.equal(['one', 'other']);
      await closeAll(acceptor, watcher);
    });

    it('is closed in a later turn where nobody is connected', async () => {
      const { watcher, acceptor } = await listening();
      acceptor.close();
      acceptor.close(); // a second time changes nothing
      expect(watcher.log).to.deep.equal(['listening']);
      await until(() => watcher.log.length > 1);
      await port.settle();
      expect(watcher.log).to.deep.equal(['listening', 'closed']);
    });

    it('lets open connections live when it closes, and tells once that the last has gone', async () => {
      const { watcher, acceptor, address } = await listening();
      const peers = [port.connect(address)];
      await until(() => watcher.streams.length === 1);
      peers.push(port.connect(address));
      await until(() => watcher.streams.length === 2);
      acceptor.close();
      await port.settle();
      watcher.streams[0].write('alive', 'latin1');
      await until(() => peers[0].received !== '');
      expect([peers[0].received, watcher.log.includes('closed')]).to.deep.equal(['alive', false]);
      watcher.streams[0].destroy();
      await port.settle();
      expect(watcher.log).to.not.include('closed');
      let hadClosed: boolean | undefined;
      watcher.streams[1].on('close', () => (hadClosed = watcher.log.includes('closed')));
      watcher.streams[1].destroy();
      expect(watcher.log, 'nothing within the call').to.not.include('closed');
      await until(() => watcher.log.includes('closed') && hadClosed !== undefined);
      await port.settle();
      expect(watcher.log.filter((line) => line === 'closed')).to.have.length(1);
      expect(hadClosed, 'told before the stream tells that it has closed').to.equal(true);
    });

    it('refuses who comes when it has closed', async () => {
      const { watcher, acceptor, address } = await listening();
      acceptor.close();
      const sameTurn = port.connect(address);
      await until(() => watcher.log.includes('closed'));
      const later = port.connect(address);
      await until(() => sameTurn.fate !== 'open' && later.fate !== 'open');
      expect([sameTurn.fate, later.fate, watcher.streams]).to.deep.equal(['reset', 'reset', []]);
    });

    it('refuses one connection too many, tells of it, and accepts again when one has gone', async () => {
      const { watcher, acceptor, address } = await listening(1);
      const first = port.connect(address);
      await until(() => watcher.streams.length === 1);
      const second = port.connect(address);
      await until(() => watcher.log.includes('refused') && second.fate !== 'open');
      expect([watcher.log, watcher.streams.length, first.fate]).to.deep.equal([['listening', 'connection', 'refused'], 1, 'open']);
      watcher.streams[0].destroy();
      const third = port.connect(address);
      await until(() => watcher.streams.length === 2);
      expect([watcher.log.at(-1), third.fate]).to.deep.equal(['connection', 'open']);
      await closeAll(acceptor, watcher);
    });

    const listening = async (maxConnections?: number) => {
      const watcher = new Watcher();
      const acceptor = port.createAcceptor(maxConnections === undefined ? {} : { maxConnections });
      acceptor.open(watcher);
      await until(() => watcher.log.length > 0);
      return { watcher, acceptor, address: watcher.boundTo };
    };

    const closeAll = async (acceptor: Acceptor, watcher: Watcher): Promise<void> => {
      acceptor.close();
      for (const stream of watcher.streams) stream.destroy();
      await until(() => watcher.log.includes('closed'));
    };
  });
};

/** All that an acceptor tells, in order. */
class Watcher implements AcceptorListener {
  readonly log: string[];
  readonly streams: ByteStream[];
  boundTo: BoundAddress;

  constructor() {
    this.log = [];
    this.streams = [];
    this.boundTo = { ip: undefined, port: undefined, path: undefined };
  }

  onListening(address: BoundAddress): void {
    this.log.push('listening');
    this.boundTo = address;
  }

  onConnection(stream: ByteStream): void {
    this.log.push('connection');
    this.streams.push(stream);
    stream.on('error', () => {});
  }

  onError(error: Error & { code?: string }): void {
    this.log.push(`error ${error.code}`);
  }

  onRefused(): void {
    this.log.push('refused');
  }

  onClosed(): void {
    this.log.push('closed');
  }
}
