/** Hono on its Node adapter. */
import { Readable } from 'node:stream';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createReadable, hello, keepAliveTimeoutMs, known, lineOf, receiptOf, shopNames } from './answers.mjs';

const bytes = { 'content-type': 'application/octet-stream' };

export function start(port) {
  const app = new Hono();
  app.get('/', (context) => context.text(hello));
  app.post('/json', async (context) => context.json(receiptOf(await context.req.json())));
  app.get('/known', (context) => context.body(known, 200, bytes));
  app.get('/readable', (context) => context.body(Readable.toWeb(createReadable()), 200, bytes));
  for (const name of shopNames(50, 2)) {
    app.get(`/${name}/orders/:order/lines/:line`, (context) => context.json(lineOf(context.req.param('order'), context.req.param('line'))));
  }
  const serverOptions = { keepAliveTimeout: keepAliveTimeoutMs };
  return new Promise((resolve) => serve({ fetch: app.fetch, port, hostname: '127.0.0.1', serverOptions }, resolve));
}
