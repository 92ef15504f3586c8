/** A WebSocket as the body in work of its exchange. */
import type { ExchangePort, UpgradeOptions } from '../../transport/contracts.js';
import type { FrameBody } from './frame-body.js';
import type { RunningSource, SourceListener } from './pulled-source.js';
import type { HttpResponse } from '../response.js';
import type { WaitingRoom } from '../admission/waiting-room.js';

/** Lasts as long as its exchange: who leaves is told by the session. */
export class FrameSource implements RunningSource {
  /** Let go of when it was used: what it holds of the request need not stay as long as the client. */
  private body: FrameBody | null;
  private response: HttpResponse | null;
  private readonly port: ExchangePort;
  private readonly room: WaitingRoom;
  private readonly listener: SourceListener;

  constructor(body: FrameBody, response: HttpResponse, port: ExchangePort, room: WaitingRoom, listener: SourceListener) {
    this.body = body;
    this.response = response;
    this.port = port;
    this.room = room;
    this.listener = listener;
  }

  start(): void {
    const { body, response } = this;
    if (body === null || response === null) return; // started before
    this.body = null;
    this.response = null;
    try {
      body.onOpen(this.port.upgrade(withHeaders(body.options, response.headers), body.listener), this.room);
    } catch (error) {
      this.listener.onSourceError(error);
    }
  }

  stop(): void {} // the session closes with its connection, and tells the channel
}

/** Not a spread: that would give each object a hidden class of its own, 0.4 KB for every WebSocket. */
const withHeaders = (options: Omit<UpgradeOptions, 'headers'>, headers: UpgradeOptions['headers']): UpgradeOptions => ({
  key: options.key,
  protocol: options.protocol,
  headers,
  extensions: options.extensions,
  deflate: options.deflate,
  maxWs: options.maxWs,
  heartbeatMs: options.heartbeatMs,
  closeTimeoutMs: options.closeTimeoutMs,
});
