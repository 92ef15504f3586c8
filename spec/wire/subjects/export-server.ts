/** An export of numbered lines from a generator: `export-server.js <lines>`. */
import { ndjson, stream } from 'rx-http-kit';
import { serveApart } from '../../support/serve-apart.js';

/** Fills a line up to a thousand octets. */
const FILLING = 'x'.repeat(969);
const lines = Number(process.argv[2]);
let made = 0;
let letGo = 0;

function* rows(): Generator<{ readonly row: string; readonly filling: string }> {
  try {
    for (made = 0; made < lines;) yield { row: String(++made).padStart(7, '0'), filling: FILLING };
  } finally {
    letGo++;
  }
}

await serveApart(stream(rows, { codec: ndjson }), {}, { made: () => made, letGo: () => letGo });
