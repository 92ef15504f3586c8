/** A server whose process has few file descriptors left. Says its port; a second line is the events that were told, when it is asked. */
import { closeSync, openSync } from 'node:fs';
import { map } from 'rxjs';
import { runServer } from 'rx-http-kit';

/** Connections that still find one. */
const LEFT = 8;

const server = await runServer(
  map(() => 'here'),
  { ip: '127.0.0.1', port: 0 },
);
let failures = 0;
server.events$.subscribe(({ type }) => {
  if (type === 'failure') failures++;
});
const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch {
  for (const descriptor of held.splice(-LEFT)) closeSync(descriptor);
}
process.on('message', () => process.send?.(failures));
process.on('disconnect', () => process.exit(0));
process.send?.(server.port);
