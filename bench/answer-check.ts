/**
 * Proves before anything is measured that a server gives the right answer: a benchmark of a wrong one is worth nothing.
 */
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type WireRequest, requestText } from './request-text.js';

export interface ExpectedAnswer {
  /** Of a 200. */
  readonly body: string | Buffer;
  /** Whether the length may be unknown to the server until the end. Elsewhere content-length must be there and right. */
  readonly isChunked?: boolean;
}

/** @throws when status, framing or body differ from what is expected. */
export async function checkAnswer(port: number, request: WireRequest, expected: ExpectedAnswer): Promise<void> {
  const { method, path, headers, body } = request;
  const sent = httpRequest({ port, host: '127.0.0.1', method, path, headers, agent: false }).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage]; // The types of `once` know no event by name.
  const received = await buffer(response);
  const expectedBytes = Buffer.from(expected.body);
  const where = `${method} ${path}`;

  if (response.statusCode !== 200) throw new Error(`${where}: status ${response.statusCode} instead of 200`);
  if (!received.equals(expectedBytes)) {
    throw new Error(
      `${where}: ${received.length} bytes that are not the ${expectedBytes.length} expected: ${received.toString('latin1', 0, 80)}`,
    );
  }
  if (expected.isChunked === true) {
    if (response.headers['transfer-encoding'] !== 'chunked') throw new Error(`${where}: the answer is not chunked`);
  } else if (Number(response.headers['content-length']) !== expectedBytes.length) {
    throw new Error(`${where}: content-length is ${response.headers['content-length']}, not ${expectedBytes.length}`);
  }
}

/** @throws when `depth` requests in one write are not answered by `depth` right answers on the same connection. */
export async function checkPipeline(port: number, request: WireRequest, expected: ExpectedAnswer, depth: number): Promise<void> {
  const ending = `\r\n\r\n${expected.body.toString()}`;
  const socket = connect(port, '127.0.0.1');
  socket.write(requestText(request).repeat(depth));
  socket.setTimeout(2_000, () => socket.destroy(new Error(`fewer than ${depth} answers to ${depth} pipelined requests`)));
  let received = '';
  for await (const bytes of socket.setEncoding('latin1')) {
    received += String(bytes);
    if (received.split(ending).length - 1 === depth) break;
  }
  socket.destroy();
  const statuses = received.match(/HTTP\/1\.1 200 OK\r\n/g) ?? [];
  if (statuses.length !== depth || !received.endsWith(ending)) {
    throw new Error(`${statuses.length} right answers to ${depth} pipelined requests`);
  }
}
