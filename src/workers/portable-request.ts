/**
 * A request on its way to a thread: its head as text and numbers, its addresses, and what middleware added to it.
 *
 * Owns: what of a request crosses. Leaves: its body, to `forwarded-body.ts`.
 */
import { ProtocolError } from '../errors.js';
import { type ReceivedHead, RequestHead } from '../protocol/request-head.js';
import { RequestParser } from '../protocol/request-parser.js';
import type { HttpRequest, IncomingRequest, RequestView } from '../rx/request.js';
import type { Peer } from '../transport/contracts.js';

export interface PortableRequest {
  readonly head: PortableHead;
  readonly peer: PortablePeer;
  readonly hasBody: boolean;
  /** What `extend` added; `undefined` for nothing. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

type PortablePeer = readonly [remoteAddr: string, remotePort: number | undefined, localAddr: string, localPort: number | undefined];

/** A list, as objects cost their keys each time. `octets` are latin1. */
type PortableHead = readonly [
  octets: string,
  method: string,
  targetAuthority: string | undefined,
  flags: number,
  contentLength: number,
  fieldCount: number,
  byteLength: number,
  queryStart: number,
  targetEnd: number,
  hostStart: number,
  hostEnd: number,
  fieldsStart: number,
  fieldsEnd: number,
];

const Flag = { MINOR_VERSION: 1, CHUNKED: 2, KEEP_ALIVE: 4, EXPECTS_CONTINUE: 8, ASKS_UPGRADE: 16 } as const;

/** @param request - As the handler got it, which may be what `extend` made of `origin`. */
export const portableRequest = (request: HttpRequest, origin: IncomingRequest): PortableRequest => {
  const { port } = origin;
  const { remoteAddr, remotePort, localAddr, localPort } = port.peer;
  return {
    head: portableHead(port.head instanceof RequestHead ? port.head : parsedHead(port.head)),
    peer: [remoteAddr, remotePort, localAddr, localPort],
    hasBody: port.body !== null || request.body$ !== origin.body$,
    fields: request === origin ? undefined : addedFields(request, origin),
  };
};

/** A head that a server of another make has read, as if it had come here: of one that no parser takes there is nothing to send. */
const parsedHead = ({ method, uri, queryString, headers }: ReceivedHead): RequestHead => {
  const parser = new RequestParser({ maxLine: Infinity, maxHeaders: Infinity, maxHeadBytes: Infinity });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const query = queryString === undefined ? '' : `?${queryString}`;
  parser.push(Buffer.from(`${method} ${uri}${query} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), 0);
  if (parser.head === null) throw new ProtocolError('RHK_HEAD_INCOMPLETE');
  return parser.head;
};

const portableHead = (head: RequestHead): PortableHead => {
  const { facts } = head;
  return [
    facts.bytes.toString('latin1'),
    facts.method,
    facts.targetAuthority,
    facts.minorVersion |
      (facts.isChunked ? Flag.CHUNKED : 0) |
      (facts.keepAlive ? Flag.KEEP_ALIVE : 0) |
      (facts.expectsContinue ? Flag.EXPECTS_CONTINUE : 0) |
      (facts.asksUpgrade ? Flag.ASKS_UPGRADE : 0),
    facts.contentLength,
    facts.fieldCount,
    facts.byteLength,
    facts.queryStart,
    facts.targetEnd,
    facts.hostStart,
    facts.hostEnd,
    facts.fieldsStart,
    facts.fieldsEnd,
  ];
};

export const headFrom = (portable: PortableHead): RequestHead => {
  const [octets, method, targetAuthority, flags, contentLength, fieldCount, byteLength, ...offsets] = portable;
  const [queryStart, targetEnd, hostStart, hostEnd, fieldsStart, fieldsEnd] = offsets;
  return new RequestHead({
    bytes: Buffer.from(octets, 'latin1'),
    method,
    minorVersion: flags & Flag.MINOR_VERSION,
    contentLength,
    isChunked: (flags & Flag.CHUNKED) !== 0,
    keepAlive: (flags & Flag.KEEP_ALIVE) !== 0,
    expectsContinue: (flags & Flag.EXPECTS_CONTINUE) !== 0,
    asksUpgrade: (flags & Flag.ASKS_UPGRADE) !== 0,
    fieldCount,
    byteLength,
    targetAuthority,
    pathStart: 0,
    queryStart,
    targetEnd,
    hostStart,
    hostEnd,
    fieldsStart,
    fieldsEnd,
  });
};

export const peerFrom = ([remoteAddr, remotePort, localAddr, localPort]: PortablePeer): Peer => ({
  remoteAddr,
  remotePort,
  localAddr,
  localPort,
});

/** What cannot be cloned (functions, sockets, streams) belongs to this thread and stays here. */
const addedFields = (request: HttpRequest, origin: IncomingRequest): PortableRequest['fields'] => {
  const fields: Record<string, unknown> = {};
  let isEmpty = true;
  let layer: object = request;
  const add = (names: readonly string[]): void => {
    for (const name of names) {
      if (Object.hasOwn(fields, name) || !isCloneable(request, name)) continue; // the layer above has replaced it
      fields[name] = Reflect.get(request, name);
      isEmpty = false;
    }
  };
  for (; layer !== origin && !isView(layer); layer = Object.getPrototypeOf(layer) as object) add(Object.keys(layer));
  if (isView(layer)) add(layer.addedFields()); // it stands on the origin
  return isEmpty ? undefined : fields;
};

const isView = (layer: object): layer is RequestView => Object.hasOwn(layer, 'incomingRequest') && 'addedFields' in layer;

/** Not what fails when it is read, either: a malformed query. */
const isCloneable = (request: HttpRequest, name: string): boolean => {
  try {
    const value: unknown = Reflect.get(request, name);
    if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
};
