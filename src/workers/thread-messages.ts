/**
 * What the main thread and its workers say to each other. A message is a list that begins with its kind and, where it is about an
 * exchange, the number of that exchange; all that was said in one turn of the event loop crosses as one batch.
 */
import type { FrameClose, Settlement, UpgradeOptions } from '../transport/contracts.js';
import type { PortableBytes, PortablePiece } from './portable-bytes.js';
import type { PortableError } from './portable-error.js';
import type { PortableHeaders } from './portable-headers.js';
import type { PortableRequest } from './portable-request.js';

/** From the main thread to a worker. */
export const ToWorker = {
  /** A request to be answered. */
  OPEN: 0,
  /** Nothing can be answered any more: the client has gone, or needs no more. */
  SETTLE: 1,
  /** So many octets of what was sent have been taken. */
  CREDIT: 2,
  BODY: 3,
  BODY_END: 4,
  BODY_ERROR: 5,
  MESSAGE: 6,
  PING: 7,
  PEER_CLOSE: 8,
  /** The WebSocket is closed; the first cause counts. */
  CLOSED: 9,
  DRAINING: 10,
  /** Are you there? */
  PROBE: 11,
  /** No request follows: end yourself. */
  STOP: 12,
} as const;

export type ToWorkerMessage =
  | readonly [typeof ToWorker.OPEN, id: number, request: PortableRequest]
  | readonly [typeof ToWorker.SETTLE, id: number, how: Settlement]
  | readonly [typeof ToWorker.CREDIT, id: number, octets: number]
  | readonly [typeof ToWorker.BODY, id: number, bytes: PortableBytes]
  | readonly [typeof ToWorker.BODY_END, id: number, trailers: Readonly<Record<string, string>>]
  | readonly [typeof ToWorker.BODY_ERROR, id: number, error: PortableError]
  | readonly [typeof ToWorker.MESSAGE, id: number, message: PortablePiece]
  | readonly [typeof ToWorker.PING, id: number, data: PortableBytes]
  | readonly [typeof ToWorker.PEER_CLOSE, id: number, close: FrameClose]
  | readonly [typeof ToWorker.CLOSED, id: number, close: FrameClose]
  | readonly [typeof ToWorker.DRAINING, id: number, withinMs: number]
  | readonly [typeof ToWorker.PROBE]
  | readonly [typeof ToWorker.STOP];

/** From a worker to the main thread. */
export const FromWorker = {
  /** The module is there, requests may come. */
  READY: 0,
  /** The module cannot serve: it is missing, broken, or exports no handler. */
  UNFIT: 1,
  /** I am. */
  ALIVE: 2,
  /** A whole reply, in one piece. */
  REPLY: 3,
  BEGIN: 4,
  PIECE: 5,
  END: 6,
  /** The handler failed, or has no response; `null` where nobody needs to know why. */
  CUT: 7,
  REPORT: 8,
  UPGRADE: 9,
  FRAME: 10,
  /** Whether the client's messages are wanted. */
  DEMAND: 11,
  CLOSE: 12,
  /** So many octets of body or messages have been used. */
  CREDIT: 13,
  READ_BODY: 14,
  CANCEL_BODY: 15,
  /** Whether a client that closes its half counts as gone. */
  ENDS_WITH_INPUT: 16,
  /** Whether somebody wants to hear that the server drains. */
  WANTS_DRAINING: 17,
  /** Nothing is left of the exchange in the worker: its number is never used again. */
  DONE: 18,
} as const;

export type FromWorkerMessage =
  | readonly [typeof FromWorker.READY]
  | readonly [typeof FromWorker.UNFIT, error: PortableError]
  | readonly [typeof FromWorker.ALIVE]
  | ExchangeMessage;

/** What a worker says of one exchange. */
export type ExchangeMessage =
  | readonly [typeof FromWorker.REPLY, id: number, status: number, headers: PortableHeaders | undefined, body: PortablePiece | null]
  | readonly [typeof FromWorker.BEGIN, id: number, status: number, headers: PortableHeaders | undefined]
  | readonly [typeof FromWorker.PIECE, id: number, piece: PortablePiece]
  | readonly [typeof FromWorker.END, id: number]
  | readonly [typeof FromWorker.CUT, id: number, error: PortableError | null]
  | readonly [typeof FromWorker.REPORT, id: number, error: PortableError]
  | readonly [typeof FromWorker.UPGRADE, id: number, options: Omit<UpgradeOptions, 'headers'>, headers: PortableHeaders | undefined]
  | readonly [typeof FromWorker.FRAME, id: number, message: PortablePiece]
  | readonly [typeof FromWorker.DEMAND, id: number, wants: boolean]
  | readonly [typeof FromWorker.CLOSE, id: number, code: number, reason: string]
  | readonly [typeof FromWorker.CREDIT, id: number, octets: number]
  | readonly [typeof FromWorker.READ_BODY, id: number]
  | readonly [typeof FromWorker.CANCEL_BODY, id: number]
  | readonly [typeof FromWorker.ENDS_WITH_INPUT, id: number, ends: boolean]
  | readonly [typeof FromWorker.WANTS_DRAINING, id: number, wants: boolean]
  | readonly [typeof FromWorker.DONE, id: number];

/** Octets of one exchange that may be on their way in one direction: past it what can wait does. */
export const WINDOW_BYTES = 262_144;

/** What has been taken is told when it is so much. */
export const CREDIT_STEP = 65_536;

/** What a piece costs beside its octets: a million empty ones must not be on their way. */
const PIECE_COST = 64;

/** How much of the window a piece takes; alike on both sides. */
export const costOf = (piece: string | Uint8Array): number => piece.length + PIECE_COST;
