/** Fastify as its guide has it: no logger, a response schema for the JSON route. */
import fastify from 'fastify';
import { createReadable, hello, keepAliveTimeoutMs, known, lineOf, receiptOf, shopNames } from './answers.mjs';

const receiptSchema = {
  response: { 200: { type: 'object', properties: { id: { type: 'integer' }, total: { type: 'integer' } } } },
};

const lineSchema = { response: { 200: { type: 'object', properties: { order: { type: 'string' }, line: { type: 'string' } } } } };

export function start(port) {
  const app = fastify({ logger: false, keepAliveTimeout: keepAliveTimeoutMs });
  app.get('/', (request, reply) => {
    reply.type('text/plain').send(hello);
  });
  app.post('/json', { schema: receiptSchema }, (request, reply) => {
    reply.send(receiptOf(request.body));
  });
  app.get('/known', (request, reply) => {
    reply.type('application/octet-stream').send(known);
  });
  app.get('/readable', (request, reply) => {
    reply.type('application/octet-stream').send(createReadable());
  });
  for (const name of shopNames(50, 2)) {
    app.get(`/${name}/orders/:order/lines/:line`, { schema: lineSchema }, (request, reply) => {
      reply.send(lineOf(request.params.order, request.params.line));
    });
  }
  return app.listen({ port, host: '127.0.0.1', backlog: 4096 });
}
