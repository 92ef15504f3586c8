/**
 * Ends the clients of one handler when the server drains: in batches, each told to come back at a moment of its own, so that
 * whoever takes over is not run over.
 */
import { asyncScheduler, type SchedulerAction } from 'rxjs';
import { whenDraining } from '../rx/draining.js';
import { integerOption } from '../rx/number-option.js';
import type { HttpRequest } from '../rx/request.js';
import { OptionError } from '../errors.js';

/** How clients come back; all have defaults. */
export interface DrainOptions {
  /** Milliseconds that a client waits before it comes back; said at the start where it is given, and at the end. Default 3 000. */
  readonly retryMs?: number | undefined;
  /** Milliseconds, of which a part by chance is added when the server drains. Default 5 000. */
  readonly retryJitterMs?: number | undefined;
  /** Milliseconds over which the clients are ended when the server drains, but never more than half of its time. Default 5 000. */
  readonly drainSpreadMs?: number | undefined;
  /** Chance, from 0 up to 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export const DRAIN_OPTIONS: readonly string[] = ['retryMs', 'retryJitterMs', 'drainSpreadMs', 'random'];

const DEFAULTS = { retryMs: 3_000, retryJitterMs: 5_000, drainSpreadMs: 5_000 };
const MAX_MS = 2_147_483_647;
const BATCH_INTERVAL_MS = 10;
/** Smaller batches would only make it last longer. */
const MIN_BATCH = 20;

/** One client of a handler. */
export interface DrainedClient {
  /** Ends it behind what it is owed. @param retryMs - When it should come back. */
  endForNow(retryMs: number): void;
}

export class Drainer {
  /** What a client is told when its stream ends while the server runs. */
  readonly retryMs: number;
  private readonly jitterMs: number;
  private readonly spreadMs: number;
  private readonly random: () => number;
  /** By the moment at which their server cuts them: clients of a server that has little time do not wait for those of one that has much. */
  private readonly departures: Map<number, Set<DrainedClient>>;

  /** @throws {@link OptionError} for wrong options. */
  constructor({ retryMs, retryJitterMs, drainSpreadMs, random = Math.random }: DrainOptions) {
    if (typeof random !== 'function') throw new OptionError('random', 'must be a function');
    this.retryMs = integerOption('retryMs', retryMs, DEFAULTS.retryMs, 0, MAX_MS);
    this.jitterMs = integerOption('retryJitterMs', retryJitterMs, DEFAULTS.retryJitterMs, 0, MAX_MS);
    this.spreadMs = integerOption('drainSpreadMs', drainSpreadMs, DEFAULTS.drainSpreadMs, 0, MAX_MS);
    this.random = random;
    this.departures = new Map();
  }

  /** Ends this client when its server drains. Those of another server with the same handler are left alone. @returns Forgets it. */
  watch(request: HttpRequest, client: DrainedClient): () => void {
    let departure: Set<DrainedClient> | null = null;
    const unlisten = whenDraining(request, (withinMs) => {
      departure = this.departureWithin(withinMs);
      departure.add(client);
    });
    return () => {
      departure?.delete(client);
      unlisten();
    };
  }

  /** When a client should come back that is ended because the server drains. */
  jitteredRetryMs(): number {
    return this.retryMs + Math.floor(this.random() * this.jitterMs);
  }

  private departureWithin(withinMs: number): Set<DrainedClient> {
    const cutsAt = asyncScheduler.now() + withinMs;
    let departure = this.departures.get(cutsAt);
    if (departure === undefined) {
      departure = new Set();
      this.departures.set(cutsAt, departure);
      this.begin(departure, cutsAt, withinMs);
    }
    return departure;
  }

  /** All are told of it in one turn: it begins behind the last of them. */
  private begin(leaving: Set<DrainedClient>, cutsAt: number, withinMs: number): void {
    const batches = Math.max(1, Math.floor(Math.min(this.spreadMs, withinMs / 2) / BATCH_INTERVAL_MS));
    let size = 0;
    const endBatch = function (this: SchedulerAction<Drainer>, drainer?: Drainer): void {
      if (drainer === undefined) return; // given when it was scheduled
      if (size === 0) size = Math.max(MIN_BATCH, Math.ceil(leaving.size / batches));
      drainer.endSome(leaving, size);
      if (leaving.size > 0) this.schedule(drainer, BATCH_INTERVAL_MS);
      else drainer.departures.delete(cutsAt);
    };
    asyncScheduler.schedule(endBatch, 0, this);
  }

  private endSome(leaving: Set<DrainedClient>, count: number): void {
    let left = count;
    for (const client of leaving) {
      if (left-- === 0) return;
      leaving.delete(client);
      client.endForNow(this.jitteredRetryMs());
    }
  }
}
