/** Connections of the operating system: TCP, and Unix sockets where a path is given. */
import { createServer, type Server } from 'node:net';
import type { Acceptor, AcceptorListener, BoundAddress } from './contracts.js';

/** Where to listen, and how many may come. */
export interface TcpAddress {
  readonly ip: string;
  readonly port: number;
  /** Of a Unix socket; `ip` and `port` do not count then. */
  readonly path: string | undefined;
  readonly maxConnections: number;
  /** Connections that the operating system may hold for us; it has a limit of its own as well. */
  readonly backlog: number;
}

/** Octets that a socket buffers on either side before it asks to wait. */
const SOCKET_HIGH_WATER = 65_536;

export const createTcpAcceptor = ({ ip, port, path, maxConnections, backlog }: TcpAddress): Acceptor => {
  // Half-open, so that a client that has said all may still be answered; no delay, as writes are joined already.
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: SOCKET_HIGH_WATER });
  if (maxConnections !== Infinity) server.maxConnections = maxConnections;
  let isClosed = false;
  return {
    open: (listener) => {
      watch(server, listener);
      server.on('listening', () => {
        if (isClosed) server.close();
        else listener.onListening(boundAddress(server));
      });
      if (path === undefined) server.listen({ host: ip, port, backlog });
      else server.listen({ path, backlog });
    },
    close: () => {
      isClosed = true;
      if (server.listening) server.close();
    },
  };
};

const watch = (server: Server, listener: AcceptorListener): void => {
  server.on('connection', (socket) => listener.onConnection(socket));
  server.on('drop', () => listener.onRefused());
  server.on('error', (error) => listener.onError(error));
  server.on('close', () => listener.onClosed());
};

const boundAddress = (server: Server): BoundAddress => {
  const address = server.address();
  if (address === null || typeof address === 'string') return { ip: undefined, port: undefined, path: address ?? undefined };
  return { ip: address.address, port: address.port, path: undefined };
};
