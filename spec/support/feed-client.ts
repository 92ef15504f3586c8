/**
 * A client of a feed that changes its transport as it likes: it remembers where it stands, and writes down every id that it was
 * told. Reads over a socket of its own; shares no code with the package under test.
 */
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { EventStreamReader } from './event-stream-reader.js';
import { until } from './raw-client.js';
import { ResponseReader } from './response-reader.js';

export type Transport = 'websocket' | 'sse' | 'ndjson' | 'poll';

/** What a feed says in JSON. */
interface Told {
  readonly id?: string;
  readonly cursor?: string;
  readonly reset?: boolean;
  readonly recovered?: boolean;
  readonly items?: readonly Told[];
}

export class FeedClient {
  /** In the order in which they came. */
  readonly ids: string[] = [];
  resets = 0;
  cursor: string | undefined = undefined;
  /** Turns false when the server or a cut has ended the visit. */
  isConnected = false;
  private readonly port: number;
  private leaveNow: () => void = () => {};

  constructor(port: number) {
    this.port = port;
  }

  /** Comes where it left off, unless it is there. */
  come(transport: Transport): void {
    if (this.isConnected) return;
    this.isConnected = true;
    const cursor = this.cursor === undefined ? '' : `cursor=${encodeURIComponent(this.cursor)}`;
    if (transport === 'websocket') this.comeBySocket(cursor);
    else this.comeByHttp(transport, cursor);
  }

  /** Cuts the connection, wherever it is. What has not been read is lost. */
  cut(): void {
    this.leaveNow();
    this.isConnected = false;
  }

  /** Resolves when it knows where it stands. */
  placed(): Promise<void> {
    return until('the client knows its cursor', () => this.cursor !== undefined);
  }

  private comeBySocket(query: string): void {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/?${query}`);
    let isCut = false;
    this.leaveNow = () => {
      isCut = true;
      socket.terminate();
    };
    socket.on('message', (data: Buffer) => {
      if (!isCut) this.hear(JSON.parse(data.toString()) as Told);
    });
    socket.on('error', () => {}); // a close follows
    socket.on('close', () => {
      if (!isCut) this.isConnected = false;
    });
  }

  private comeByHttp(transport: 'sse' | 'ndjson' | 'poll', query: string): void {
    const socket: Socket = connect(this.port, '127.0.0.1');
    const reader = new ResponseReader();
    const take = transport === 'sse' ? this.eventTaker() : transport === 'ndjson' ? this.lineTaker() : undefined;
    let isCut = false;
    this.leaveNow = () => {
      isCut = true;
      socket.destroy();
    };
    socket.write(`GET /?transport=${transport}&${query} HTTP/1.1\r\nhost: x\r\n\r\n`);
    socket.on('data', (bytes) => {
      if (isCut) return;
      reader.push(bytes);
      const whole = reader.take('GET', false);
      if (take !== undefined) take(whole?.body ?? reader.takeBody());
      else if (whole !== undefined) this.hear(JSON.parse(whole.body.toString()) as Told);
      if (whole !== undefined) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!isCut) this.isConnected = false;
    });
  }

  private eventTaker(): (bytes: Uint8Array) => void {
    const reader = new EventStreamReader();
    let heard = 0;
    return (bytes) => {
      reader.push(bytes);
      for (; heard < reader.events.length; heard++) {
        const { type, lastEventId } = reader.events[heard];
        if (type === 'reset') this.resets++;
        else this.ids.push(lastEventId);
      }
      if (reader.lastEventId !== '') this.cursor = reader.lastEventId;
    };
  }

  private lineTaker(): (bytes: Uint8Array) => void {
    let rest = '';
    return (bytes) => {
      const lines = (rest + Buffer.from(bytes).toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.hear(JSON.parse(line) as Told);
    };
  }

  private hear({ id, cursor, reset, recovered, items }: Told): void {
    if (reset === true || recovered === false) this.resets++;
    for (const item of items ?? []) this.hear(item);
    if (id !== undefined) this.ids.push(id);
    this.cursor = id ?? cursor ?? this.cursor;
  }
}
