/** Connections in memory, in virtual time. */
import type { ByteStream } from '#src/transport/contracts.js';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import type { MemoryClient } from '#src/testing/memory-client.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';
import type { Port } from './describe-acceptor.js';
import type { Carriage, Ends, EndsOptions, PeerEnd } from './ends.js';

export const createMemoryCarriage = (): Promise<Carriage> => {
  const clock = new VirtualClock();
  const acceptor = new MemoryAcceptor(clock);
  const accepted: ByteStream[] = [];
  const escaped: unknown[] = [];
  acceptor.open({
    onListening: () => {},
    onConnection: (stream) => accepted.push(stream),
    onError: () => {},
    onRefused: () => {},
    onClosed: () => {},
  });
  clock.settle();
  /** In memory an exception goes to whoever made the listener run. */
  const guard = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      escaped.push(error);
    }
  };
  return Promise.resolve({
    connect: ({ isHolding = false }: EndsOptions = {}): Promise<Ends> => {
      const { client } = acceptor.connect(isHolding ? { credit: 0 } : {});
      return Promise.resolve({ stream: accepted[accepted.length - 1], peer: new MemoryPeer(client, guard) });
    },
    settle: () => {
      guard(() => clock.advance(1));
      return Promise.resolve();
    },
    escapes: async (action) => {
      escaped.length = 0;
      await action();
      return [...escaped];
    },
    close: () => Promise.resolve(),
  });
};

class MemoryPeer implements PeerEnd {
  private readonly client: MemoryClient;
  private readonly guard: (action: () => void) => void;

  constructor(client: MemoryClient, guard: (action: () => void) => void) {
    this.client = client;
    this.guard = guard;
  }

  get received(): string {
    return this.client.text;
  }

  get fate(): PeerEnd['fate'] {
    if (this.client.isReset) return 'reset';
    return this.client.hasEnded || this.client.isClosed ? 'ended' : 'open';
  }

  send(text: string): void {
    this.guard(() => this.client.send(text));
  }

  end(): void {
    this.guard(() => this.client.end());
  }

  reset(): void {
    this.guard(() => this.client.reset());
  }

  take(): void {
    this.guard(() => this.client.take());
  }
}

export const createMemoryPort = (): Promise<Port> => {
  const clock = new VirtualClock();
  let open: MemoryAcceptor | undefined;
  return Promise.resolve({
    hasPath: false,
    createAcceptor: ({ maxConnections } = {}) => (open = new MemoryAcceptor(clock, undefined, maxConnections)),
    createRival: () => new MemoryAcceptor(clock, Object.assign(new Error('in use'), { code: 'EADDRINUSE' })),
    connect: () => {
      if (open === undefined) throw new Error('nobody has ever listened');
      return new MemoryPeer(open.connect().client, (action) => action());
    },
    settle: () => Promise.resolve(clock.advance(1)),
    dispose: () => Promise.resolve(),
  });
};
