/** Marble tests with a network in them. */
import { map, type Observable } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { OptionError } from '../errors.js';
import type { Handler } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { kindOf } from '../rx/response.js';
import { assertFrames, MarbleError } from './assert-frames.js';
import { framesOf, MarbleScheduler } from './marble-scheduler.js';
import { conversationOf, type RecordedConnection } from './recording.js';
import type { ReplyHead } from '../protocol/reply-reader.js';
import type { VirtualClient } from './virtual-client.js';
import type { VirtualClock } from './virtual-clock.js';
import { VirtualTime } from './virtual-time.js';
import { type VirtualListener, MemoryListener } from './virtual-listener.js';
import { MemoryServer, type VirtualServer, type VirtualServerOptions } from './virtual-server.js';

/** Compares with a diagram when the test is over. */
export interface Expectation {
  toBe(diagram: string | readonly string[], values?: Readonly<Record<string, unknown>>, error?: unknown): void;
}

/** Everything between clients and servers, without a socket. */
export interface Network {
  /** A server, bound in the first frame: `runServer` on memory and virtual time. It sends no `server` header. */
  server(handler: Handler, options?: VirtualServerOptions): VirtualServer;
  /** `listen` on memory and virtual time, for a pipeline of one's own: subscribing binds. */
  listen(options?: VirtualServerOptions): VirtualListener;
}

/** RxJS's own helpers, and those of the network. */
export interface MarbleHelpers extends RunHelpers {
  readonly scheduler: TestScheduler;
  /** The server's time. */
  readonly clock: VirtualClock;
  readonly network: Network;
  /** Runs an action at each marble of a diagram. */
  at(diagram: string, action: (letter: string) => void): void;
  /** The pieces of one reply's body, as text, as they come: `|` when it is complete, `#` when it is cut. */
  expectReply(client: VirtualClient, index?: number): Expectation;
  /** Each reply when it is complete, as `200 body`. */
  expectReplies(client: VirtualClient): Expectation;
  /** Each head when it comes, as `200 OK`, and a line `name: value` for each of the named fields that it has. */
  expectHeads(client: VirtualClient, ...fields: readonly string[]): Expectation;
  /** All octets as they come, without `date` lines; `|` is the server's FIN, `#` its RST. */
  expectBytes(client: VirtualClient): Expectation;
  /** What a WebSocket client hears: text as it stands, `binary 00ff`, `ping …`, `pong …`, `close 1000 …`. */
  expectFrames(client: VirtualClient): Expectation;
  /**
   * Runs the test to its end, and compares all replies and frames with what the server said in the recording, whenever it
   * did; `date` and `server` fields do not count. Comes last in a test.
   */
  expectReplayed(client: VirtualClient, recorded: RecordedConnection): void;
  /** As `expectFrames`, without pings and pongs, which an idle client gets until the horizon. */
  expectMessages(client: VirtualClient): Expectation;
  /** When and how the connection ended: `end`, `reset`, or the code of a WebSocket's close. */
  expectClosed(client: VirtualClient): Expectation;
  /** Whether the server reads from this client, when that changes. */
  expectReading(client: VirtualClient): Expectation;
  /** Codes of what the server tells: `RHK_HEAD_TIMEOUT`. */
  expectEvents(server: VirtualServer | VirtualListener): Expectation;
  /** `running`, `stopping`, `stopped`. */
  expectStatus(server: VirtualServer): Expectation;
  /** How many connections are open, when that changes. */
  expectConnections(server: VirtualServer | VirtualListener): Expectation;
}

export interface MarbleOptions {
  /** Virtual milliseconds after which nothing happens any more, so that a test with an endless interval ends. Default one hour. */
  readonly horizonMs?: number | undefined;
}

/** A server or a listener. */
type Running = Pick<MemoryServer, 'told' | 'abandon'>;

const HORIZON_MS = 3_600_000;

/**
 * Runs a marble test in virtual time: `TestScheduler.run`, and a network whose servers are the real code. One frame is one
 * millisecond; longer waits are written ` 5s `.
 *
 * When all has been compared, connections that are open are reset, so that handlers are unsubscribed: tests share nothing.
 *
 * Values are compared deeply, errors by class, message and code. Promises do not run in virtual time: handlers that await,
 * async iterables, Readables and files belong into tests over sockets, and so does compression.
 *
 * @throws {@link MarbleError} whose message holds both diagrams, a legend, the lines that differ, and what the servers told, and
 *   whose stack is that of the expectation; for one that was made and never told `toBe`, too.
 * @throws {@link OptionError} for a test that gives a promise, and for acts behind the horizon: what cannot happen cannot fail.
 * @example
 * ```ts
 * marbles(({ cold, network, expectReply }) => {
 *   const server = network.server(map(() => cold('--a-b|')));
 *   const client = server.client({ sends: ' -r', values: { r: get('/') } });
 *   expectReply(client).toBe('               ---a-b|');
 * });
 * ```
 */
export const marbles = <T>(body: (helpers: MarbleHelpers) => T, options: MarbleOptions = {}): T => {
  if (typeof body !== 'function') throw new OptionError('body', `is ${kindOf(body)}, must be a function`);
  knownOptions(options, ['horizonMs']);
  const horizonMs = integerOption('horizonMs', options.horizonMs, HORIZON_MS, 1, Number.MAX_SAFE_INTEGER);
  const scheduler = new MarbleScheduler();
  const servers: Running[] = [];
  try {
    const result = scheduler.run((helpers) => {
      scheduler.maxFrames = horizonMs;
      try {
        const given = synchronous(body(helpersFrom(helpers, scheduler, servers)));
        helpers.flush();
        return given;
      } finally {
        for (const server of servers) server.abandon(); // sources of the application outlive a test: nobody of this one may listen on
      }
    });
    scheduler.assertAllTold();
    return result;
  } catch (error) {
    throw error instanceof MarbleError ? withEvents(error, servers) : error;
  }
};

/** What stands behind an `await` comes when all has been compared. */
const synchronous = <T>(result: T): T => {
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then !== 'function') return result; // asked, not assumed
  (result as unknown as PromiseLike<unknown>).then(undefined, () => {}); // it is over, however it ends
  throw new OptionError('body', 'gave a promise, must be synchronous: what it expects behind an await would never be compared');
};

const helpersFrom = (helpers: RunHelpers, scheduler: MarbleScheduler, servers: Running[]): MarbleHelpers => {
  const time = new VirtualTime(scheduler);
  const expecting = <A extends readonly unknown[]>(
    name: string,
    sourceOf: (...given: A) => Observable<unknown>,
  ): ((...given: A) => Expectation) => {
    const expectation = (...given: A): Expectation => scheduler.expectAs(name, sourceOf(...given), expectation) as Expectation; // as the type of RxJS should be
    return expectation;
  };
  return {
    ...helpers,
    scheduler,
    clock: time.clock,
    network: {
      server: (handler, options = {}) => {
        const server = new MemoryServer(handler, options, time);
        servers.push(server);
        return server;
      },
      listen: (options = {}) => {
        const listener = new MemoryListener(options, time);
        servers.push(listener);
        return listener;
      },
    },
    at: (diagram, action) => {
      for (const { frame, notification } of TestScheduler.parseMarbles(diagram, undefined, undefined, false, true)) {
        time.agenda.add(frame, () =>
          action(notification.kind === 'N' ? String(notification.value) : notification.kind === 'C' ? '|' : '#'),
        );
      }
    },
    expectReply: expecting('expectReply', (client: VirtualClient, index?: number) => client.reply$(index)),
    expectReplies: expecting('expectReplies', (client: VirtualClient) =>
      client.replies$.pipe(map(({ status, text }) => `${status} ${text}`)),
    ),
    expectHeads: expecting('expectHeads', (client: VirtualClient, ...fields: readonly string[]) =>
      client.heads$.pipe(map((head) => headText(head, fields))),
    ),
    expectBytes: expecting('expectBytes', (client: VirtualClient) => client.bytes$),
    expectFrames: expecting('expectFrames', (client: VirtualClient) => client.frames$),
    expectMessages: expecting('expectMessages', (client: VirtualClient) => client.messages$),
    expectReplayed: (client, recorded) => {
      const said: string[] = [];
      client.bytes$.subscribe({ next: (octets) => said.push(octets), error: () => said.push('') });
      helpers.flush();
      try {
        assertFrames(conversationOf(said.join(''), recorded.sent), conversationOf(recorded.received, recorded.sent));
      } catch (error) {
        throw error instanceof MarbleError ? retold(error, `expectReplayed: ${error.message}`) : error;
      }
    },
    expectClosed: expecting('expectClosed', (client: VirtualClient) => client.closed$),
    expectReading: expecting('expectReading', (client: VirtualClient) => client.isRead$),
    expectEvents: expecting('expectEvents', (server: VirtualServer | VirtualListener) =>
      server.events$.pipe(map(({ type, error }) => ('code' in error ? error.code : type))),
    ),
    expectStatus: expecting('expectStatus', (server: VirtualServer) => server.status$),
    expectConnections: expecting('expectConnections', (server: VirtualServer | VirtualListener) => server.connections$),
  };
};

const headText = ({ status, reason, headers }: ReplyHead, fields: readonly string[]): string =>
  [`${status} ${reason}`, ...fields.filter((name) => name in headers).map((name) => `${name}: ${headers[name]}`)].join('\n');

/** A reply that differs often has its cause in what the server told. */
const withEvents = (error: MarbleError, servers: readonly Running[]): MarbleError => {
  const lines = servers
    .flatMap((server) => server.told)
    .map(({ error: told, uri }) => `  ${told.message}${uri === undefined ? '' : ` (${uri})`}`);
  if (lines.length === 0) return error;
  return retold(error, `${error.message}\n\nthe server told\n${lines.join('\n')}`);
};

/** The same with another message. */
const retold = (error: MarbleError, message: string): MarbleError => {
  const told = new MarbleError(message, error.actual, error.expected);
  told.stack = `${told.name}: ${message}\n${framesOf(error)}`;
  return told;
};
