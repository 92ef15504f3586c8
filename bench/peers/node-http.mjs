/** `node:http` with nothing on top. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream';
import { chunks, createReadable, hello, keepAliveTimeoutMs, known, news, receiptOf } from './answers.mjs';

export function start(port) {
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs }, answer);
  return once(server.listen(port, '127.0.0.1', 4096), 'listening');
}

function answer(request, response) {
  switch (request.url) {
    case '/':
      return response.writeHead(200, { 'content-type': 'text/plain', 'content-length': hello.length }).end(hello);
    case '/json':
      return answerJson(request, response);
    case '/chunks':
      response.writeHead(200, { 'content-type': 'text/plain' });
      for (const chunk of chunks) response.write(chunk);
      return response.end();
    case '/known':
      return response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': known.length }).end(known);
    case '/events':
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      });
      response.write(`id: ${lastId}\n\n`);
      streams.add(response);
      return response.on('close', () => streams.delete(response));
    case '/tell':
      tellAll(`id: ${++lastId}\ndata: ${news}\n\n`);
      return response.writeHead(204).end();
    case '/readable':
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      return pipeline(createReadable(), response, () => {});
    default:
      return response.writeHead(404, { 'content-length': 0 }).end();
  }
}

const streams = new Set();
let lastId = 0;

function tellAll(event) {
  for (const stream of streams) stream.write(event);
}

function answerJson(request, response) {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const body = JSON.stringify(receiptOf(JSON.parse(Buffer.concat(pieces).toString())));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
  });
}
