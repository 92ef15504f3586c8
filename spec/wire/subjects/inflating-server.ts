/** An echo of what may be compressed: `inflating-server.js <maxWs>`. */
import { map } from 'rxjs';
import { type Message, websocket } from 'rx-http-kit';
import { serveApart } from '../../support/serve-apart.js';

await serveApart(
  websocket(
    map((message: Message) => message),
    { perMessageDeflate: true, maxWs: Number(process.argv[2]) },
  ),
  {},
  {},
);
