import { startChecked } from '../checked-server.js';
import type { Contender, Measured, Scenario, ServerName } from '../contest.js';
import { type WireRequest, requestText } from '../request-text.js';
import { SlowSender } from '../slow-sender.js';

const sizes = [1_000, 2_000, 4_000];
const servers: readonly ServerName[] = ['ours', 'node-http'];
const nameOf = (server: ServerName, size: number): string => `${server}, head of ${size.toLocaleString('en-US')} bytes`;

/**
 * Every sample sends the same number of bytes: four small heads or one large. A parser that never looks at a byte twice needs the same
 * time for each byte whatever the size of the head.
 */
export const byteByByte: Scenario = {
  name: 'byte-by-byte',
  title: 'a head that arrives byte by byte',
  quantity: 'CPU µs per byte',
  ratioOf: 'this / 1,000 bytes',
  lifetime: 'contest',
  contenders: servers.flatMap((server) => sizes.map((size) => contenderOf(server, size))),
};

function contenderOf(server: ServerName, size: number): Contender {
  const name = nameOf(server, size);
  const atMost = server === 'ours' ? 1.1 : undefined;
  const comparison = size === sizes[0] ? undefined : { subject: name, base: nameOf(server, sizes[0]), atMost };
  return { name, server, open: () => open(server, size), comparison };
}

/** One long field: the worst for a parser that starts its line, or its head, over. */
function requestOf(size: number): WireRequest {
  const request: WireRequest = { method: 'GET', path: '/', headers: { 'x-long': '' } };
  return { ...request, headers: { 'x-long': 'x'.repeat(size - requestText(request).length) } };
}

async function open(server: ServerName, size: number): Promise<Measured> {
  const request = requestOf(size);
  const subject = await startChecked(server, { request, answer: { body: 'hello' } });
  const sender = await SlowSender.connect(subject.port, requestText(request), '\r\n\r\nhello');
  return {
    async sample() {
      const heads = sizes[sizes.length - 1] / size;
      const before = await subject.cpuMicroseconds();
      for (let head = 0; head < heads; head++) await sender.sendHead(() => subject.reads());
      return ((await subject.cpuMicroseconds()) - before) / (heads * size * sender.connections);
    },
    async close() {
      sender.close();
      await subject.stop();
    },
  };
}
