/**
 * The command `rx-http-kit`: serves a module until a signal ends it.
 *
 * Owns: what is printed, what signals mean, how it exits. Leaves: words to `command-line.ts`, servers to `server/`.
 */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { concat, firstValueFrom, type Observable, share } from 'rxjs';
import { HttpKitError, messageOf, OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { outliveOutput } from '../processes/outlive-output.js';
import { lineFrom, type ProcessEvent } from '../processes/process-event.js';
import { loadHandler } from '../server/load-handler.js';
import { type ProcessServer, runProcesses } from '../server/run-processes.js';
import type { Server } from '../server/run-server.js';
import { serveModule } from '../server/serve-module.js';
import { type CommandLine, commandLineFrom, UsageError } from './command-line.js';
import { helpText } from './help.js';
import { watchFolder } from './watch-folder.js';

/** What a connection that was accepted a moment before the stop has for its first request. */
const FIRST_REQUEST_MS = 500;
/** Old processes of `--watch` are kept no longer: who develops waits for the next one. */
const WATCH_TIMEOUT_MS = 500;
/** As a shell has it: 128 and the number of SIGINT. */
const CUT_EXIT_CODE = 130;

/** Does what the words say. Resolves when it is under way, or done; ends the process where it ends. */
export const runCommand = async (words: readonly string[]): Promise<void> => {
  outliveOutput();
  try {
    const line = commandLineFrom(words);
    if (line.wants === 'help') console.log(helpText());
    else if (line.wants === 'version') console.log(version());
    else await new Command(line).start();
  } catch (error) {
    if (error instanceof ModuleFailure) {
      console.error(`rx-http-kit: ${error.module} did not start`);
      throw error.cause; // with its stack, and the line of a syntax error that only Node.js prints
    }
    if (!isOurs(error)) throw error;
    console.error(`rx-http-kit: ${complaintOf(error)}`);
    if (words.includes('--verbose')) console.error(error);
    else printStack(error);
    process.exit(1);
  }
};

const version = (): string => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }; // our own
  return manifest.version;
};

/** Whether an error needs no stack: it is about the words, an option, the system. */
const isOurs = (error: unknown): error is Error =>
  error instanceof UsageError ||
  error instanceof OptionError ||
  error instanceof HttpKitError ||
  (error instanceof Error && 'syscall' in error);

/** Of what the application threw in a process or thread. That of a syntax error has been printed there, with its line. */
const printStack = (error: Error): void => {
  let root: Error = error;
  while (root.cause instanceof Error) root = root.cause;
  const isOfKit = 'code' in root && String(root.code).startsWith('RHK_');
  if (root !== error && !isOfKit && root.name !== 'SyntaxError') console.error(root.stack);
};

const complaintOf = (error: Error): string => {
  if (!('syscall' in error && 'code' in error)) return error.message.replaceAll('\n', ' ');
  const path = 'address' in error ? String(error.address) : '';
  const at = 'port' in error && Number(error.port) >= 0 ? `${path}:${String(error.port)}` : path; // a Unix socket has port -1
  if (error.code === 'EADDRINUSE') return `${at} is in use`;
  if (error.code === 'EACCES') return `${at} may not be listened on: permission denied`;
  return error.message;
};

/** The application threw while it was loaded. */
class ModuleFailure extends Error {
  readonly module: string;

  constructor(module: string, cause: unknown) {
    super(module, { cause });
    this.module = module;
  }
}

class Command {
  private readonly line: CommandLine;
  private readonly module: URL;
  private server: Server | undefined;
  private isStopping: boolean;

  constructor(line: CommandLine) {
    this.line = line;
    const path = resolve(line.module);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new UsageError(`there is no ${line.module} (${path})`);
    if (!stats.isFile()) throw new UsageError(`${line.module} is no file (${path})`);
    this.module = pathToFileURL(path);
    this.server = undefined;
    this.isStopping = false;
  }

  async start(): Promise<void> {
    process.on('SIGTERM', () => this.stop(0));
    process.on('SIGINT', () => this.stop(CUT_EXIT_CODE));
    if (this.line.processes === undefined && !this.line.watch) await this.serveAlone();
    else await this.serveInProcesses();
  }

  private async serveAlone(): Promise<void> {
    process.on('SIGHUP', () => this.stop(0));
    const load = (module: URL): Promise<Handler> =>
      loadHandler(module).catch((error: unknown) => {
        throw error instanceof HttpKitError ? error : new ModuleFailure(this.line.module, error);
      });
    this.listens(await serveModule(this.module, this.line.options, load), '');
  }

  private async serveInProcesses(): Promise<void> {
    const { watch, options, timeout, processes = 1 } = this.line;
    const start = (): Promise<ProcessServer> => runProcesses(this.module, { ...options, processes });
    let replace: (() => void) | undefined;
    let isAsked = false;
    process.on('SIGHUP', () => {
      isAsked = true; // what has begun to start may be old already
      replace?.();
    });
    const changes$ = watchFolder(dirname(resolve(this.line.module))).pipe(share());
    const [server, changed] = watch ? await this.startWatched(start, changes$) : [await start(), undefined];
    server.processes$.subscribe((event) => this.tell(event));
    const count = processes === 'auto' ? availableParallelism() : processes;
    this.listens(server, ` (${count} ${count === 1 ? 'process' : 'processes'}${watch ? ', watching' : ''})`);
    replace = (): void => {
      this.print('replaces its processes');
      void server.replace({ timeout }).then(() => this.print('has replaced its processes'), toldAlready);
    };
    if (isAsked) replace();
    if (changed === undefined) return;
    concat(changed, changes$).subscribe({
      next: (file) => {
        this.print(`saw a change of ${file}`);
        void server.replace({ timeout: Math.min(timeout, WATCH_TIMEOUT_MS) }).then(() => this.print('serves the change'), toldAlready);
      },
      error: (error: unknown) => console.error(`rx-http-kit: cannot watch any more: ${messageOf(error)}`),
    });
  }

  /**
   * While it is written, a module may not start: it is tried again with each change, also with one that comes during the try.
   *
   * @returns The server, and the first change since its start began.
   */
  private async startWatched(
    start: () => Promise<ProcessServer>,
    changes$: Observable<string>,
  ): Promise<readonly [ProcessServer, Promise<string>]> {
    for (;;) {
      const changed = firstValueFrom(changes$);
      changed.catch(() => {}); // told to whoever waits for it
      try {
        return [await start(), changed];
      } catch (error) {
        if (!(error instanceof HttpKitError)) throw error;
        console.error(`rx-http-kit: ${complaintOf(error)}; waiting for a change`);
        printStack(error);
        await changed;
      }
    }
  }

  private listens(server: Server, how: string): void {
    this.server = server;
    this.print(`listens on ${server.address.includes('/') ? server.address : `http://${server.address}`}${how}`);
  }

  private tell(event: ProcessEvent): void {
    const line = lineFrom(event);
    if (line !== undefined) console.error(`rx-http-kit: ${line}`);
    if (event.type === 'replace-failed') printStack(event.error);
    else if (event.type === 'ready') this.print(`process ${event.process} listens (pid ${event.pid})`);
  }

  /** @param exitCode - Where nothing is served yet. */
  private stop(exitCode: number): void {
    const { server } = this;
    if (server === undefined) process.exit(exitCode);
    if (this.isStopping) return this.cut(server);
    this.isStopping = true;
    this.print('stops');
    const departure = { timeout: this.line.timeout, firstRequestMs: FIRST_REQUEST_MS };
    void server.stop(departure).then(() => {
      this.print('has stopped');
      process.exit();
    });
  }

  private cut(server: Server): void {
    process.exitCode = CUT_EXIT_CODE;
    if ('destroy' in server)
      (server as ProcessServer).destroy(); // only they have it
    else process.exit();
  }

  private print(text: string): void {
    if (!this.line.quiet) console.log(`rx-http-kit ${text}`);
  }
}

/** It has been told as an event. */
const toldAlready = (): void => {};
