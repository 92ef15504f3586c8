/** Threads that fail, compute too long, wait for each other, and end. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inWorkers, runServer, type HttpKitError } from 'rx-http-kit';
import type { Clock } from '#src/transport/contracts.js';
import { WorkerThread } from '#src/workers/worker-thread.js';
import { Crew } from '../support/crew.js';
import { close, text } from '../support/frame-client.js';
import { FrameSite } from '../support/frame-site.js';
import { News } from '../support/news.js';
import { until, untilAtRest } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { Site } from '../support/serve.js';

const APP = new URL('./fixtures/app.js', import.meta.url);
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const local = { ip: '127.0.0.1', port: 0 } as const;

describe('threads', function () {
  this.timeout(30_000); // each test starts some

  let news: News;
  let crew: Crew | undefined;

  before(() => (news = new News()));
  beforeEach(() => {
    news.clear();
    crew = undefined;
  });
  afterEach(() => crew?.stop());
  after(() => news.close());

  describe('that are busy', () => {
    it('let requests wait in the queue, in order, and refuse at once what finds it full', async () => {
      crew = await Crew.start(APP, { thread: 1, queueSize: 2 });
      const { workers } = crew;
      const busy = await crew.site.connect();
      busy.send(get('/silent'));
      await news.told('silent');
      const answered: string[] = [];
      const waits = (path: string): Promise<unknown> => (crew as Crew).ask(path).then((answer) => answered.push(answer)); // made above
      const second = waits('/name');
      await until('one waits', () => workers.load.waiting === 1);
      const third = waits('/whole');
      await until('two wait', () => workers.load.waiting === 2);
      const client = await crew.site.connect();
      const refused = await client.send(get('/name')).response();
      expect([refused.status, valueOf(refused, 'retry-after')]).to.deep.equal([503, '1']);
      expect(workers.load).to.deep.equal({ threads: 1, waiting: 2, busy: 1, open: 1 });
      expect(answered).to.deep.equal([]);
      busy.abort();
      await Promise.all([second, third]);
      expect(answered).to.deep.equal(['200 worker-1', '201 whole']);
    });

    it('never run a request whose client has left while it waited', async () => {
      crew = await Crew.start(APP, { thread: 1 });
      const { workers } = crew;
      const busy = await crew.site.connect();
      busy.send(get('/silent'));
      await news.told('silent');
      const waiting = await crew.site.connect();
      waiting.send(get('/silent'));
      await until('it waits', () => workers.load.waiting === 1);
      waiting.abort();
      await until('it does not wait', () => workers.load.waiting === 0);
      const leaving = await crew.site.connect();
      leaving.send(get('/silent'));
      await until('another waits', () => workers.load.waiting === 1);
      leaving.finish(); // a FIN, as most clients leave
      await until('it does not wait either', () => workers.load.waiting === 0);
      busy.abort();
      await news.told('finalized');
      expect(await crew.ask('/name')).to.equal('200 worker-1');
      expect(news.heard).to.deep.equal(['silent', 'aborted', 'finalized']);
    });

    it('give requests to those that are idle; a stream and a WebSocket keep nobody busy', async () => {
      crew = await Crew.start(APP, { thread: 2 });
      const stream = await crew.site.connect();
      stream.send(get('/stream'));
      await stream.bodyBytes(10);
      const socket = await crew.frames.open({ path: '/numbered' });
      expect(crew.workers.load).to.deep.equal({ threads: 2, waiting: 0, busy: 0, open: 2 });
      const gate = await crew.site.connect();
      gate.send(get('/silent'));
      await news.told('silent');
      expect(crew.workers.load.busy).to.equal(1);
      expect(await crew.ask('/whole')).to.equal('201 whole');
      socket.send(text('a'), text('b'), text('c'));
      const words = await socket.words(3);
      const thread = words[0].split(' ')[3];
      expect(words).to.deep.equal([`text 0 a ${thread}`, `text 1 b ${thread}`, `text 2 c ${thread}`]);
      stream.abort();
      gate.abort();
    });

    it('close a WebSocket whose message finds the queue full with 1013', async () => {
      const site = await Site.start(APP, { thread: 1, queueSize: 1 });
      const frames = new FrameSite(site);
      const socket = await frames.open({ path: '/socket' });
      socket.send(text('a'));
      expect(await socket.word()).to.equal('text a');
      const [busy, waiting] = [await site.connect(), await site.connect()];
      busy.send(get('/silent'));
      await news.told('silent');
      socket.send(text('b'));
      expect(await socket.word()).to.equal('text b'); // a busy thread alone is no full queue
      waiting.send(get('/name'));
      const refused = await site.connect();
      await until('the queue is full', async () => (await refused.send(get('/name')).response()).status === 503);
      socket.send(text('c'));
      expect(await socket.word()).to.equal('close 1013');
      await frames.stop();
    });

    it('are sent no more of a WebSocket than the window holds while they compute', async () => {
      const size = 30_000_000;
      crew = await Crew.start(APP, { thread: 1 });
      const socket = await crew.frames.open({ path: '/socket' });
      const spins = await crew.site.connect();
      spins.send(get('/spin'));
      await news.told('spins');
      for (let sent = 0; sent < size; sent += 100_000) socket.send(text('z'.repeat(100_000)));
      await untilAtRest('octets of this client', () => size - socket.unsent);
      expect(socket.unsent).to.be.above(size / 2);
      await crew.workers.stop();
      expect(await socket.word()).to.equal('close 1011');
    });

    it('may take more at a time where their handlers wait', async () => {
      crew = await Crew.start(APP, { thread: 1, requestsPerThread: 2 });
      const waits = crew.ask('/gate');
      await news.told('waits');
      expect(await crew.ask('/open')).to.equal('200 opened');
      expect(await waits).to.equal('200 through worker-1');
    });
  });

  describe('that have many requests', () => {
    for (const path of ['/computes', '/computes-promised']) {
      it(`send each reply before they compute the next: ${path}`, async () => {
        crew = await Crew.start(APP, { thread: 1, requestsPerThread: 3 });
        const times: number[] = [];
        const asks = async (): Promise<void> => {
          expect(await (crew as Crew).ask(path)).to.equal('200 computed'); // made above
          times.push(performance.now());
        };
        await asks(); // by the first one it is known
        times.length = 0;
        await Promise.all([asks(), asks(), asks()]); // 200 ms each
        expect(times[1] - times[0], 'the first does not wait for the second').to.be.above(100);
        expect(times[2] - times[1], 'nor the second for the third').to.be.above(100);
      });
    }
  });

  describe('that die', () => {
    it('cost what they held a 500 and others nothing, and are replaced', async () => {
      crew = await Crew.start(APP, { thread: 2 });
      const socket = await crew.frames.open({ path: '/numbered' });
      const stream = await crew.site.connect();
      stream.send(get('/stream')); // one has the socket, the other the stream
      await stream.bodyBytes(10);
      socket.send(text('a'));
      const dying = (await socket.word()).includes('worker-1') ? 'worker-1' : 'worker-2';
      expect(await crew.ask('/exit')).to.equal('500 internal server error');
      const { failures, workers } = crew;
      const [error] = failures as HttpKitError[];
      expect([failures.length, error.code]).to.deep.equal([1, 'RHK_THREAD_DIED']);
      expect(error.message).to.match(/^thread worker-[12] has ended: exit code 7$/);
      if (error.message.includes(dying)) expect(await socket.word()).to.equal('close 1011');
      else expect((await stream.cut()).isComplete).to.equal(false);
      await until('there are two again', () => workers.load.threads === 2);
      const names = await Promise.all([crew.ask('/name'), crew.ask('/name'), crew.ask('/name')]);
      expect(new Set(names)).to.deep.equal(new Set(['200 worker-1', '200 worker-2']));
      stream.abort();
      socket.abort();
    });

    it('tell of an error that nobody caught, as the cause', async () => {
      crew = await Crew.start(APP, { thread: 1 });
      expect(await crew.ask('/uncaught')).to.equal('500 internal server error');
      expect(crew.failures[0].cause).to.have.property('message', 'out of the blue');
      expect(await crew.ask('/name')).to.equal('200 worker-1'); // it waits for the replacement
    });

    it('have no more memory than `resourceLimits` give them', async () => {
      crew = await Crew.start(APP, { thread: 1, resourceLimits: { maxOldGenerationSizeMb: 48 } });
      expect(await crew.ask('/memory')).to.equal('500 internal server error');
      expect(crew.failures[0].cause).to.have.property('code', 'ERR_WORKER_OUT_OF_MEMORY');
      expect(await crew.ask('/name')).to.equal('200 worker-1');
    });

    it('are an event of the server that they belong to', async () => {
      const site = await Site.start(APP, { thread: 1 });
      expect((await fetch(`${site.origin}/exit`, { headers: { connection: 'close' } })).status).to.equal(500);
      expect(site.codes).to.deep.equal(['RHK_THREAD_DIED', 'RHK_THREAD_DIED']); // of the exchange, and of the thread
      expect(site.events.map(({ type }) => type)).to.deep.equal(['failure', 'failure']);
      await site.stop();
    });
  });

  describe('that compute too long', () => {
    it('are ended: 503 to whose request they had, 500 or a cut to all others', async () => {
      crew = await Crew.start(APP, { thread: 1, requestsPerThread: 2, computeTimeoutMs: 300 });
      const { workers, failures } = crew;
      const stream = await crew.site.connect();
      stream.send(get('/stream'));
      await stream.bodyBytes(10);
      const waits = crew.ask('/gate');
      await news.told('waits');
      const answer = crew.ask('/spin');
      await news.told('spins');
      expect(await answer).to.match(/^503 the reply took too long to compute/);
      expect(await waits).to.equal('500 internal server error');
      expect((await stream.cut()).isComplete).to.equal(false);
      expect(failures[0].message).to.equal('thread worker-1 was ended: worker-1 did not look up for 300 ms (computeTimeoutMs)');
      expect(await crew.ask('/name')).to.equal('200 worker-1');
      expect(workers.load.threads).to.equal(1);
    });

    it('are others than those that wait', async () => {
      crew = await Crew.start(APP, { thread: 1, computeTimeoutMs: 100, requestsPerThread: 2 });
      const waits = crew.ask('/gate');
      await news.told('waits');
      const started = performance.now();
      await until('three times as long has passed', () => performance.now() - started > 300);
      expect(await crew.ask('/open')).to.equal('200 opened');
      expect(await waits).to.equal('200 through worker-1');
      expect(crew.failures).to.deep.equal([]);
    });
  });

  describe('that cannot start', () => {
    const reasons: readonly (readonly [file: string, message: RegExp, cause: string | undefined])[] = [
      ['no-such-module.js', /cannot serve: Cannot find module/, 'ERR_MODULE_NOT_FOUND'],
      ['broken-module.mjs', /cannot serve: Unexpected token/, 'SyntaxError'],
      ['throwing-module.js', /cannot serve: no luck today/, 'Error'],
      ['exiting-module.js', /worker-[12] could not start: thread worker-[12] has ended: exit code 3/, undefined],
      ['no-default-module.js', /cannot serve: it has no default export/, undefined],
      ['no-handler-module.js', /cannot serve: its default export is 5, not a handler: a function/, undefined],
    ];

    // A compiler would not write it.
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-workers-'));
      await writeFile(join(folder, 'broken-module.mjs'), 'export default ((;');
    });
    after(() => rm(folder, { recursive: true }));

    for (const [file, message, cause] of reasons) {
      it(`reject runServer with the cause: ${file}`, async () => {
        const module = file.endsWith('.mjs') ? pathToFileURL(join(folder, file)) : new URL(`./fixtures/${file}`, import.meta.url);
        const error = await runServer(module, { ...local, thread: file === 'no-such-module.js' ? 2 : 1 }).then(
          () => undefined,
          (reason: unknown) => reason as HttpKitError,
        );
        expect(error).to.include({ code: 'RHK_MODULE_FAILED' });
        expect(error?.message).to.match(message);
        const found = error?.cause as { readonly code?: string; readonly name: string } | undefined;
        if (cause !== undefined) expect([found?.code, found?.name]).to.include(cause);
      });
    }

    it('reject when the module is not loaded within startTimeoutMs', async () => {
      const module = new URL('./fixtures/endless-module.js', import.meta.url);
      const error = await runServer(module, { ...local, thread: 2, startTimeoutMs: 500 }).then(
        () => undefined,
        (reason: unknown) => reason as HttpKitError,
      );
      expect(error).to.include({ code: 'RHK_MODULE_FAILED' });
      expect(error?.message).to.match(/endless-module.js cannot serve: worker-\d was not ready within 500 ms \(startTimeoutMs\)$/);
    });

    it('are not waited for any more once they are ready', async () => {
      const waits = new Map<number, number>();
      const clock: Clock = {
        now: () => Date.now(),
        after: (milliseconds) => {
          waits.set(milliseconds, (waits.get(milliseconds) ?? 0) + 1);
          return () => waits.delete(milliseconds);
        },
        every: () => () => {},
        endOfTurn: (action) => process.nextTick(action),
        nextTurn: (action) => void setImmediate(action),
      };
      const heard = new EventEmitter();
      const task = { name: 'worker-1', url: APP.href, maxBufferedBytes: 0 };
      const options = { task, computeTimeoutMs: Infinity, startTimeoutMs: 12_345, resourceLimits: undefined, isAwaited: true };
      const thread = new WorkerThread(options, clock, {
        onReady: () => heard.emit('ready'),
        onFree: () => {},
        onEnd: (error) => heard.emit('error', error),
        onReport: (error) => heard.emit('error', error),
        onExit: () => heard.emit('exit'),
      });
      expect([...waits]).to.deep.equal([[12_345, 1]]);
      await once(heard, 'ready');
      expect([...waits]).to.deep.equal([]);
      const gone = once(heard, 'exit');
      thread.stop();
      await gone;
      expect([...waits]).to.deep.equal([]);
    });

    it('reject before anything is bound, and end when the port is taken', async () => {
      const site = await Site.start(APP, { thread: 1 });
      const error = await runServer(APP, { ...local, port: site.port, thread: 1 }).then(
        () => undefined,
        (reason: unknown) => reason as { readonly code: string },
      );
      expect(error).to.include({ code: 'EADDRINUSE' });
      await news.told('exit'); // its thread has ended
      await site.stop();
    });
  });

  describe('at the end', () => {
    it('hear that the server drains, and finish what they have within the timeout', async () => {
      const site = await Site.start(APP, { thread: 1 });
      const client = await site.connect();
      client.send(get('/drains'));
      await client.bodyBytes(8);
      const stopped = site.server.stop({ timeout: 60_000 });
      expect((await client.response()).body.toString()).to.equal('started, draining within 60000');
      client.finish();
      await stopped; // long before its time is up
      await site.stop();
    });

    it('run their finalizers when they are cut, and their `exit` listeners', async () => {
      const site = await Site.start(APP, { thread: 1 });
      const client = await site.connect();
      client.send(get('/stream'));
      await client.bodyBytes(10);
      await site.server.stop({ timeout: 0 });
      expect(site.server.status).to.equal('stopped');
      await news.told('exit');
      expect(news.heard.filter((word) => word === 'finalized')).to.have.length(1);
      await site.stop();
    });

    it('are ended though they compute', async () => {
      const site = await Site.start(APP, { thread: 1 });
      const client = await site.connect();
      client.send(get('/spin'));
      await news.told('spins');
      await site.server.stop({ timeout: 0 });
      expect(site.server.status).to.equal('stopped');
      await site.stop();
    });

    it('close WebSockets with 1001', async () => {
      const site = await Site.start(APP, { thread: 1 });
      const frames = new FrameSite(site);
      const client = await frames.open({ path: '/socket' });
      client.send(text('a'));
      expect(await client.word()).to.equal('text a');
      const stopped = site.server.stop({ timeout: 2_000 });
      expect(await client.word()).to.equal('close 1001');
      client.send(close(1001));
      await stopped;
      await frames.stop();
    });

    it('of a route end with the server, finalizers included, and start again for the next one', async () => {
      const route = inWorkers(APP, { thread: 2 });
      const failures: Error[] = [];
      route.failures$.subscribe((error) => failures.push(error));
      await route.started;
      for (const _ of [1, 2]) {
        news.clear();
        const site = await Site.start(route);
        const client = await site.connect();
        client.send(get('/stream'));
        await client.bodyBytes(10);
        await site.server.stop({ timeout: 0 });
        expect(route.load).to.deep.equal({ threads: 0, waiting: 0, busy: 0, open: 0 });
        await news.told('exit', 2);
        expect(news.heard.filter((word) => word === 'finalized')).to.have.length(1);
        await site.stop();
      }
      expect(failures).to.deep.equal([]);
      await route.stop();
    });

    it('of a route that two servers have end with the second', async () => {
      const route = inWorkers(APP, { thread: 1 });
      const sites = [await Site.start(route), await Site.start(route)];
      const ask = async (site: Site): Promise<string> => (await fetch(`${site.origin}/name`, { headers: { connection: 'close' } })).text();
      expect(await Promise.all(sites.map(ask))).to.deep.equal(['worker-1', 'worker-1']);
      await sites[0].stop();
      expect(route.load.threads).to.equal(1);
      expect(await ask(sites[1])).to.equal('worker-1');
      expect(news.heard).to.deep.equal([]);
      await sites[1].stop();
      expect(route.load.threads).to.equal(0);
      await news.told('exit');
      await route.stop();
    });

    /** Exit code and output of a program. */
    const outcome = async (file: string): Promise<readonly [code: number, said: string]> => {
      const child = spawn(process.execPath, [new URL(`./fixtures/${file}`, import.meta.url).pathname], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 25_000,
        killSignal: 'SIGKILL',
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => (said += piece));
      const [code] = (await once(child, 'close')) as [number]; // as child_process documents it
      return [code, said];
    };

    it('keep no process alive', async () => {
      expect(await outcome('stopped-process.js')).to.deep.equal([0, '200 worker-1\n200 side-1\nstopped\n']);
    });

    it('keep it until they have ended, though they were not ready yet', async () => {
      expect(await outcome('stopped-early.js')).to.deep.equal([0, "[ 'RHK_MODULE_FAILED', undefined ]\n"]);
    });
  });
});
