/** Both ends of a connection. The addresses cost a system call: asked only when somebody wants them. */
import type { ByteStream, Peer } from './contracts.js';

export class StreamPeer implements Peer {
  private readonly stream: ByteStream;

  constructor(stream: ByteStream) {
    this.stream = stream;
  }

  get remoteAddr(): string {
    return this.stream.remoteAddress ?? '';
  }

  get remotePort(): number | undefined {
    return this.stream.remotePort;
  }

  get localAddr(): string {
    return this.stream.localAddress ?? '';
  }

  get localPort(): number | undefined {
    return this.stream.localPort;
  }
}
