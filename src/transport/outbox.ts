/**
 * What one connection has to send and has not given to its socket yet.
 *
 * Owns: joining everything that one turn made into as few writes as possible, and never giving the socket more than it can
 * take soon. Two forms, in order: `parts`, then `text`. Text is latin1 and grows by concatenation, which costs nothing
 * until it is written; most connections never have parts.
 */
import type { ByteStream } from './contracts.js';

/** Octets waiting in an outbox at which a source that can wait is asked to. */
export const HIGH_WATER = 65_536;
/** Pieces up to this are copied into one buffer rather than handed over one by one. */
const COPY_LIMIT = 8_192;
/**
 * What has this length or more is not joined with what is as long: that would be a copy for each client that is sent it, and garbage
 * at once. A feed of 4 KiB messages to 200 clients, 10 MB each: 56 MiB resident above the start instead of 105.
 * A head is joined with its body all the same: in two writes a reply of 4 KiB costs 41 µs instead of 35.
 * What is made once for many clients is bytes from here on, which the socket takes as they are, and holds no copy of for a slow one:
 * 4 KiB messages to 100 WebSockets cost the server 15 % less CPU time, server-sent events 24 %, with 100 slow clients beside them 39 %.
 */
export const LONG = 1_024;
/** The largest part: what a socket is given at once shows no progress until all of it has left. */
export const PART_LIMIT = 524_288;

export class Outbox {
  /** Octets waiting here. */
  size: number;
  private text: string;
  private parts: (string | Uint8Array)[] | null;

  constructor() {
    this.size = 0;
    this.text = '';
    this.parts = null;
  }

  /** @param latin1 - No character above U+00FF. */
  addText(latin1: string): void {
    this.size += latin1.length;
    if (latin1.length >= LONG && this.text.length >= LONG) {
      (this.parts ??= []).push(this.text);
      this.text = latin1;
    } else {
      this.text += latin1;
    }
  }

  /** @param bytes - Kept until it has been written: nobody may change it. */
  addBytes(bytes: Uint8Array): void {
    this.parts ??= [];
    if (this.text !== '') {
      this.parts.push(this.text);
      this.text = '';
    }
    this.size += bytes.length;
    if (bytes.length <= PART_LIMIT) {
      this.parts.push(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += PART_LIMIT) this.parts.push(bytes.subarray(at, at + PART_LIMIT));
  }

  clear(): void {
    this.size = 0;
    this.text = '';
    this.parts = null;
  }

  /**
   * Writes as much as the stream wants.
   *
   * @param limit - Octets after which no further part is given.
   * @returns Octets given to the stream. What is left waits for its `drain`.
   */
  flush(stream: ByteStream, limit: number): number {
    if (stream.writableNeedDrain) return 0;
    if (this.parts === null) {
      const size = this.size;
      stream.write(this.text, 'latin1');
      this.clear();
      return size;
    }
    if (this.text !== '') this.parts.push(this.text);
    this.text = '';
    const given = this.giveParts(stream, this.parts, limit);
    this.size -= given;
    return given;
  }

  private giveParts(stream: ByteStream, parts: (string | Uint8Array)[], limit: number): number {
    if (parts.length === 1) {
      this.parts = null;
      return give(stream, parts[0]);
    }
    let given = 0;
    let next = 0;
    stream.cork();
    while (next < parts.length && given < limit) {
      const run = smallRun(parts, next);
      if (run.count > 1) {
        stream.write(join(parts, next, run));
        given += run.size;
        next += run.count;
        continue;
      }
      given += give(stream, parts[next++]);
    }
    stream.uncork();
    this.parts = next === parts.length ? null : parts.slice(next);
    return given;
  }
}

/** @returns Its octets. */
const give = (stream: ByteStream, part: string | Uint8Array): number => {
  if (typeof part === 'string') stream.write(part, 'latin1');
  else stream.write(part);
  return part.length;
};

interface Run {
  readonly count: number;
  readonly size: number;
}

/** How many parts from `start` on are small enough to be joined: at most one long one is among them. */
const smallRun = (parts: readonly (string | Uint8Array)[], start: number): Run => {
  let size = 0;
  let end = start;
  let hasLong = false;
  for (; end < parts.length && size < PART_LIMIT; end++) {
    const part = parts[end];
    if (part.length >= LONG) {
      if (hasLong || typeof part === 'string' || part.length > COPY_LIMIT) break;
      hasLong = true;
    }
    size += part.length;
  }
  return { count: end - start, size };
};

const join = (parts: readonly (string | Uint8Array)[], start: number, run: Run): Buffer => {
  const joined = Buffer.allocUnsafe(run.size);
  let at = 0;
  for (let i = start; i < start + run.count; i++) {
    const part = parts[i];
    if (typeof part === 'string') at += joined.write(part, at, 'latin1');
    else {
      joined.set(part, at);
      at += part.length;
    }
  }
  return joined;
};
