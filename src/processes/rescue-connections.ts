/** Connections on their way to a process that ends before it took them. */
import type { Worker } from 'node:cluster';

/** A message of cluster's own: the connection goes beside it as a handle. */
interface NewConnection {
  readonly cmd: 'NODE_CLUSTER';
  readonly act: 'newconn';
  readonly seq: number;
}

interface Handle {
  close(): void;
}

/**
 * Gives them to another process, or closes them where there is none.
 *
 * Cluster itself forgets them: a client whose connection was handed to a process that has just crashed would wait for ever. It speaks
 * with its processes in internal messages, which are read here; if another version of Node.js used other ones, nothing would be
 * rescued, and nothing else would change.
 *
 * @param hasOthers - Whether another process takes connections.
 */
export const rescueConnections = (worker: Worker, hasOthers: () => boolean): void => {
  const child = worker.process;
  const underway = new Map<number, Handle>();
  const send = child.send.bind(child) as (...args: readonly unknown[]) => boolean; // in all its forms
  child.send = (message: unknown, ...rest: readonly unknown[]): boolean => {
    if (isNewConnection(message) && isHandle(rest[0])) underway.set(message.seq, rest[0]);
    return send(message, ...rest);
  };
  child.on('internalMessage', (message: { readonly ack?: number }) => {
    if (message.ack !== undefined) underway.delete(message.ack);
  });
  const rescue = (): void => {
    for (const [seq, handle] of underway) {
      if (hasOthers()) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
      else handle.close();
    }
    underway.clear();
  };
  // Not before the channel has closed: an answer may still be in it. The end of a channel is not always told when its process is killed.
  child.once('disconnect', () => setImmediate(rescue));
  child.once('exit', () => {
    if (!child.connected) setImmediate(rescue);
  });
};

const isNewConnection = (message: unknown): message is NewConnection =>
  typeof message === 'object' && message !== null && 'act' in message && message.act === 'newconn' && 'seq' in message;

const isHandle = (value: unknown): value is Handle => typeof value === 'object' && value !== null && 'close' in value;
