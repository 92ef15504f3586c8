/**
 * Connections written down, and read back: one JSON object on each line, so that a file can be read, cut and edited.
 *
 * Owns: the format of the file. Leaves: writing it to `record-to.ts`, playing it to `virtual-server.ts`.
 */
import { readFileSync } from 'node:fs';
import { FrameReader, wordsOf } from './frame-reader.js';
import type { Frame } from './marble-diagram.js';
import { ReplyReader } from '../protocol/reply-reader.js';
import { SentMethods } from './sent-methods.js';

/** One line of a recording. */
export interface RecordedBytes {
  /** Milliseconds since the connection was accepted. */
  readonly time: number;
  /** Counts from 1, in the order in which connections were accepted. */
  readonly connection: number;
  readonly from: 'client' | 'server';
  /** The octets, one for each character (latin1). */
  readonly bytes?: string;
  /** Instead of `bytes`: this side has sent FIN, or RST. */
  readonly ends?: 'end' | 'reset';
}

/** What a client sent: octets, or how it ended. */
export interface RecordedSend {
  readonly time: number;
  readonly bytes: Buffer | 'end' | 'reset';
}

/** One connection of a recording. */
export interface RecordedConnection {
  readonly sent: readonly RecordedSend[];
  /** All that the server said, latin1. */
  readonly received: string;
}

/**
 * Reads what `recordTo` wrote. A connection is played back by `server.replay(recorded)` in a marble test.
 *
 * @returns The connections, in the order in which they were accepted.
 * @throws Error that names the line for a file of another format; the system's error for one that cannot be read.
 */
export const replay = (file: string): readonly RecordedConnection[] => {
  const connections = new Map<number, { sent: RecordedSend[]; received: string }>();
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      if (line === '') return;
      const { time, connection, from, bytes, ends } = lineFrom(line, `${file}:${index + 1}`);
      const recorded = connections.get(connection) ?? { sent: [], received: '' };
      connections.set(connection, recorded);
      if (from === 'server') recorded.received += bytes ?? '';
      else recorded.sent.push({ time, bytes: bytes === undefined ? (ends ?? 'end') : Buffer.from(bytes, 'latin1') });
    });
  return [...connections].sort(([a], [b]) => a - b).map(([, recorded]) => recorded);
};

const lineFrom = (text: string, where: string): RecordedBytes => {
  let line: Partial<RecordedBytes>;
  try {
    line = JSON.parse(text) as Partial<RecordedBytes>; // checked below
  } catch (cause) {
    throw new Error(`${where} is not JSON`, { cause });
  }
  const { time, connection, from, bytes, ends } = line;
  if (!Number.isInteger(time) || (time as number) < 0) throw new Error(`${where} has time ${String(time)}, must be milliseconds from 0 on`);
  if (!Number.isInteger(connection)) throw new Error(`${where} has connection ${String(connection)}, must be an integer`);
  if (from !== 'client' && from !== 'server') throw new Error(`${where} is from ${String(from)}, must be client or server`);
  const isBytes = typeof bytes === 'string' && ends === undefined;
  if (!isBytes && ends !== 'end' && ends !== 'reset') throw new Error(`${where} has neither bytes nor a legal end`);
  return line as RecordedBytes; // all of it checked
};

/** What a server said to one who sent this, without the fields that tell the second and the server's name: heads, bodies and frames in order. */
export const conversationOf = (octets: string, sent: readonly RecordedSend[]): readonly Frame[] => {
  const methods = new SentMethods();
  for (const { bytes } of sent) if (typeof bytes !== 'string') methods.push(bytes);
  const words: string[] = [];
  let body = '';
  const frames = new FrameReader((frame) => words.push(wordsOf(frame)));
  const reader = new ReplyReader(
    {
      onHead: ({ status, reason, headers }) => {
        const fields = Object.entries(headers).filter(([name]) => name !== 'date' && name !== 'server');
        words.push([`${status} ${reason}`, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\n'));
      },
      onPiece: (piece) => void (body += piece.toString('latin1')),
      onTrailers: (fields) => words.push(...Object.entries(fields).map(([name, value]) => `trailer ${name}: ${value}`)),
      onEnd: () => {
        words.push(body);
        body = '';
      },
      onUpgraded: (bytes) => frames.push(bytes),
    },
    () => methods.next(),
  );
  reader.push(Buffer.from(octets, 'latin1'));
  reader.end();
  if (body !== '') words.push(`${body} (cut)`);
  return words.map((value) => ({ frame: 0, notification: { kind: 'N', value } }));
};
