/** A module for the command line, or for `runProcesses`: its default export is the handler. */
import { map } from 'rxjs';
import type { Handler } from 'rx-http-kit';

const app: Handler = map(({ uri }) => `process ${process.env.RX_HTTP_KIT_PROCESS ?? 'alone'} answers ${uri}\n`);
export default app;
