/** Connections of the operating system, accepted as the server accepts them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteStream } from '#src/transport/contracts.js';
import { createTcpAcceptor } from '#src/transport/tcp-acceptor.js';
import type { Port } from './describe-acceptor.js';
import type { Carriage, Ends, EndsOptions, PeerEnd } from './ends.js';

/** What is sent over the loopback is there at once: a few rounds of the event loop see it, and what follows from it. */
const ROUNDS = 8;

export const turns = async (): Promise<void> => {
  for (let i = 0; i < ROUNDS; i++) await new Promise((resolve) => setImmediate(resolve));
};

export const createTcpCarriage = (): Promise<Carriage> => createSocketCarriage(undefined);

export const createUnixCarriage = async (): Promise<Carriage> => {
  const folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-contract-'));
  const carriage = await createSocketCarriage(join(folder, 'socket'));
  const close = async (): Promise<void> => {
    await carriage.close();
    await rm(folder, { recursive: true });
  };
  return { ...carriage, close };
};

const createSocketCarriage = async (path: string | undefined): Promise<Carriage> => {
  const acceptor = createTcpAcceptor({ ip: '127.0.0.1', port: 0, path, maxConnections: Infinity, backlog: 511 });
  const accepted: ByteStream[] = [];
  const sockets: { destroy(): unknown }[] = [];
  let take: ((stream: ByteStream) => void) | undefined;
  let closed: (() => void) | undefined;
  const whenClosed = new Promise<void>((resolve) => (closed = resolve));
  const address = await new Promise<NetConnectOpts>((resolve, reject) => {
    acceptor.open({
      onListening: ({ port }) => resolve(path === undefined ? { host: '127.0.0.1', port: port as number } : { path }), // TCP has one
      onConnection: (stream) => {
        accepted.push(stream);
        take?.(stream);
      },
      onError: reject,
      onRefused: () => {},
      onClosed: () => closed?.(),
    });
  });

  return {
    connect: async (options: EndsOptions = {}): Promise<Ends> => {
      const accepting = new Promise<ByteStream>((resolve) => (take = resolve));
      const socket = connect({ ...address, allowHalfOpen: true });
      const peer = new SocketPeer(socket, options);
      const connecting = new Promise((resolve) => socket.once('connect', resolve));
      const [stream] = await Promise.all([accepting, connecting]);
      sockets.push(stream, socket);
      return { stream, peer };
    },
    settle: turns,
    escapes: async (action) => {
      const escaped: unknown[] = [];
      process.setUncaughtExceptionCaptureCallback((error) => escaped.push(error));
      try {
        await action();
      } finally {
        process.setUncaughtExceptionCaptureCallback(null);
      }
      return escaped;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      acceptor.close();
      await whenClosed;
    },
  };
};

class SocketPeer implements PeerEnd {
  fate: PeerEnd['fate'];
  private readonly socket: Socket;
  private readonly pieces: Buffer[];

  constructor(socket: Socket, { isHolding = false }: EndsOptions) {
    this.fate = 'open';
    this.socket = socket;
    this.pieces = [];
    if (isHolding) socket.pause();
    socket.on('data', (bytes) => this.pieces.push(bytes));
    socket.on('end', () => (this.fate = 'ended'));
    socket.on('error', () => (this.fate = 'reset'));
  }

  get received(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  take(): void {
    this.socket.resume();
  }
}

export const createTcpPort = (): Promise<Port> => createSocketPort(undefined);

export const createUnixPort = async (): Promise<Port> => {
  const folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-contract-'));
  const port = await createSocketPort(join(folder, 'socket'));
  const dispose = async (): Promise<void> => {
    await port.dispose();
    await rm(folder, { recursive: true });
  };
  return { ...port, dispose };
};

const createSocketPort = async (path: string | undefined): Promise<Port> => {
  const peers: Socket[] = [];
  const taken = createServer();
  const takenPath = path === undefined ? undefined : `${path}-taken`;
  await new Promise<void>((resolve) => {
    if (takenPath === undefined) taken.listen(0, '127.0.0.1', resolve);
    else taken.listen(takenPath, resolve);
  });
  const takenPort = (taken.address() as AddressInfo).port; // undefined for a path
  return {
    hasPath: path !== undefined,
    createAcceptor: ({ maxConnections = Infinity } = {}) =>
      createTcpAcceptor({ ip: '127.0.0.1', port: 0, path, maxConnections, backlog: 511 }),
    createRival: () => createTcpAcceptor({ ip: '127.0.0.1', port: takenPort, path: takenPath, maxConnections: Infinity, backlog: 511 }),
    connect: (address) => {
      const socket = connect(
        address.path === undefined
          ? { host: '127.0.0.1', port: address.port as number, allowHalfOpen: true } // TCP has one
          : { path: address.path, allowHalfOpen: true },
      );
      peers.push(socket);
      return new SocketPeer(socket, {});
    },
    settle: turns,
    dispose: async () => {
      for (const peer of peers) peer.destroy();
      await new Promise((resolve) => taken.close(resolve));
    },
  };
};
