/**
 * A gigabyte from a generator, in constant memory: rows are made when the client has room for them.
 *
 *     curl -s http://localhost:8090 | wc -c
 */
import { map } from 'rxjs';
import { runServer } from 'rx-http-kit';

const ROWS = 10_000_000;

function* rows(): Generator<string> {
  try {
    for (let id = 1; id <= ROWS; id++) yield `${JSON.stringify({ id, name: `row ${id}`, text: 'x'.repeat(64) })}\n`;
  } finally {
    console.log('the generator was let go');
  }
}

const server = await runServer(
  map(() => ({ headers: { 'content-type': 'application/x-ndjson' }, body: rows() })),
  { port: Number(process.env.PORT ?? 8090) },
);
console.log(`listening on http://localhost:${server.port}`);
