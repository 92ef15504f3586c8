/** Processes that live by diagrams, and a supervisor above them in virtual time. */
import type { MarbleHelpers } from 'rx-http-kit/testing';
import type { Departure, ProcessHost, ProcessListener, ProcessPort } from '#src/processes/contracts.js';
import { lineFrom } from '#src/processes/process-event.js';
import { Supervisor } from '#src/processes/supervisor.js';

export interface ProcessScript {
  /** From its start: `r` it listens, `f` it says why it cannot, `x` it ends with code 1. Default `-r`. */
  readonly life?: string;
  /** From the moment it is asked to leave: `x` it ends. `''` for one that hangs. Default `-x`. */
  readonly leaving?: string;
}

export interface GroupScript {
  readonly processes?: number;
  readonly startTimeoutMs?: number;
  /** By letter, in the order of starting: A, B, C … */
  readonly scripts?: Readonly<Record<string, ProcessScript>>;
}

/**
 * A supervisor that has been started. `log` tells what happens, each line with its frame: `12 A starts (1)`, `13 A listens`,
 * `20 A leaves`, `20 A killed`, `21 A ends`; what the supervisor itself says stands behind a `*`.
 */
export class VirtualGroup implements ProcessHost {
  readonly supervisor: Supervisor;
  readonly log: string[];
  private readonly helpers: MarbleHelpers;
  private readonly scripts: Readonly<Record<string, ProcessScript>>;
  private count: number;

  constructor(helpers: MarbleHelpers, { processes = 1, startTimeoutMs = 60_000, scripts = {} }: GroupScript = {}) {
    this.helpers = helpers;
    this.scripts = scripts;
    this.log = [];
    this.count = 0;
    this.supervisor = new Supervisor(this, { processes, startTimeoutMs }, helpers.scheduler, {
      onListening: ({ port }) => this.tell(`* listening on ${port}`),
      onStartFailed: ({ message }) => this.tell(`* start failed: ${message}`),
      onEvent: (event) => {
        const line = lineFrom(event) ?? (event.type === 'replaced' ? 'replaced' : undefined);
        if (line !== undefined) this.tell(`* ${line}`);
      },
      onStopped: () => this.tell('* stopped'),
    });
    this.supervisor.start();
  }

  spawn(index: number, listener: ProcessListener): ProcessPort {
    const name = String.fromCharCode(65 + this.count++);
    const { life = '-r', leaving = '-x' } = this.scripts[name] ?? {};
    this.tell(`${name} starts (${index})`);
    let isOver = false;
    const end = (code: number | null, signal: string | null): void => {
      if (isOver) return;
      isOver = true;
      this.tell(`${name} ends`);
      listener.onExit(code, signal);
    };
    this.helpers.at(life, (letter) => {
      if (isOver) return;
      if (letter === 'f') return listener.onFailed(new Error(`${name} is broken`));
      if (letter === 'x') return end(1, null);
      this.tell(`${name} listens`);
      listener.onReady({ port: 8090, address: '0.0.0.0:8090' });
    });
    return {
      pid: this.count,
      stop: ({ timeout }: Departure) => {
        this.tell(`${name} leaves in ${timeout}`);
        this.helpers.at(leaving, () => end(0, null));
      },
      kill: () => {
        if (!isOver) this.tell(`${name} killed`);
        this.helpers.at('-k', () => end(null, 'SIGKILL'));
      },
    };
  }

  tell(text: string): void {
    this.log.push(`${this.helpers.clock.frame} ${text}`);
  }
}
