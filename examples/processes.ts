/** Two processes on one port. The module is theirs alone: this process starts, watches and replaces them. */
import { runProcesses } from 'rx-http-kit';

const server = await runProcesses(new URL('./modules/processes-app.js', import.meta.url), {
  port: Number(process.env.PORT ?? 8090),
  processes: 2,
});
server.processes$.subscribe((event) => console.log(event.type, 'process' in event ? event.process : ''));
console.log(`listening on http://localhost:${server.port}`);

process.on('SIGHUP', () => server.replace().catch((error: unknown) => console.error('the old processes go on:', error)));
process.once('SIGTERM', () => void server.stop({ timeout: 5_000 }));
