/**
 * A whole application: notes that several people write and see at once, with files. Log in as ada (lovelace) or ben (franklin).
 *
 *     npm run build && node build/examples/notes/main.js
 *     open http://localhost:8090 in two browsers
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runServer } from 'rx-http-kit';
import { accessLog, compose, compress } from 'rx-http-kit/middleware';
import { notesApp } from './app.js';

const folder = await mkdtemp(join(tmpdir(), 'notes-')); // the notes are in memory, so their files go with them
const around = compose(accessLog(), compress());
const server = await runServer(around(notesApp(folder)), { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port} – log in as ada (lovelace) or ben (franklin)`);

const stop = async (): Promise<void> => {
  await server.stop({ timeout: 5_000 });
  await rm(folder, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
