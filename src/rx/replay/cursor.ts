/**
 * Where a client stands in a source: `epoch:offset`. The epoch names one life of the source, the offset counts what it has
 * published, from 1 on; offset 0 stands before the first.
 */
export interface Cursor {
  readonly epoch: string;
  readonly offset: number;
}

/** What is longer is none of ours. */
const MAX_CURSOR_LENGTH = 128;
const CURSOR = /^([^:\0\r\n]+):(0|[1-9]\d{0,15})$/;

export const formatCursor = (epoch: string, offset: number): string => `${epoch}:${offset}`;

/** `null` for what no source has said: clients send what they like. */
export const parseCursor = (text: string): Cursor | null => {
  const match = text.length > MAX_CURSOR_LENGTH ? null : CURSOR.exec(text);
  if (match === null) return null;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { epoch: match[1], offset } : null;
};
