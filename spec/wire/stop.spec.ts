import { expect } from 'chai';
import { concat, finalize, interval, map, mergeMap, NEVER, of, Subject, take, timer, toArray } from 'rxjs';
import { runServer, type Handler, type Server } from 'rx-http-kit';
import { RawClient, turns, until } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { line, post } from './cases/case.js';

/** A stage on which one server runs and is stopped by the test itself. */
class Stage {
  readonly go$ = new Subject<void>();
  running = 0;
  released = 0;
  readonly order: string[] = [];
  server!: Server;
  readonly clients: RawClient[] = [];

  static async with(use: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage();
    stage.server = await runServer(stage.handler, { ip: '127.0.0.1', port: 0 });
    try {
      await use(stage);
    } finally {
      for (const client of stage.clients) client.abort();
      await stage.server.stop({ timeout: 0 });
    }
  }

  readonly handler: Handler = mergeMap((request) => {
    this.running++;
    const done = finalize<string>(() => {
      this.released++;
      this.order.push('finalized');
    });
    switch (request.uri) {
      case '/':
        return of('root').pipe(done);
      case '/slow':
        return this.go$.pipe(take(1), map(() => 'slow'), done); // prettier-ignore
      case '/stream':
        return concat(of('begun'), this.go$.pipe(take(1), map(() => ' ended'))).pipe(done); // prettier-ignore
      case '/endless':
        return interval(1).pipe(map(String), done);
      case '/read':
        return request.body$.pipe(toArray(), map((pieces) => Buffer.concat(pieces).toString()), done); // prettier-ignore
      default:
        return NEVER.pipe(done);
    }
  });

  async connect(): Promise<RawClient> {
    const client = await RawClient.open({ port: this.server.port });
    this.clients.push(client);
    return client;
  }

  isRunning(count: number = 1): Promise<void> {
    return until(`${count} handlers run`, () => this.running >= count);
  }
}

const isRefused = async (port: number): Promise<boolean> => {
  try {
    (await RawClient.open({ port })).abort();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'; // what the system says of a closed port
  }
};

const millisecondsOf = async (work: Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work;
  return performance.now() - start;
};

describe('stop', () => {
  it('accepts nothing any more, and is stopped', async () => {
    await Stage.with(async ({ server }) => {
      const { port } = server;
      expect(server.status).to.equal('running');
      const stopped = server.stop();
      expect(server.status).to.equal('stopping');
      await stopped;
      expect(server.status).to.equal('stopped');
      expect(await isRefused(port)).to.equal(true);
    });
  });

  it('a second call gives the same promise, also with another timeout, also when it is over', async () => {
    await Stage.with(async ({ server }) => {
      const first = server.stop({ timeout: 50 });
      expect(server.stop()).to.equal(first);
      expect(server.stop({ timeout: 10_000 })).to.equal(first);
      await first;
      expect(server.stop()).to.equal(first);
    });
  });

  it('tells status$ and completes it and events$', async () => {
    await Stage.with(async ({ server }) => {
      const seen: string[] = [];
      server.status$.subscribe({ next: (status) => seen.push(status), complete: () => seen.push('complete') });
      server.events$.subscribe({ complete: () => seen.push('events complete') });
      await server.stop();
      expect(seen).to.have.members(['running', 'stopping', 'stopped', 'complete', 'events complete']);
      expect(seen.filter((word) => !word.startsWith('events'))).to.deep.equal(['running', 'stopping', 'stopped', 'complete']);
    });
  });

  it('closes idle connections at once, used and unused ones', async () => {
    await Stage.with(async (stage) => {
      const used = await stage.connect();
      const unused = await stage.connect();
      expect((await used.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
      const took = millisecondsOf(stage.server.stop({ timeout: 5_000 }));
      expect(await used.ended()).to.equal('end');
      expect(await unused.ended()).to.equal('end');
      used.finish();
      unused.finish();
      expect(await took).to.be.below(2_500);
    });
  });

  it('does not wait for idle clients that keep their end open', async () => {
    await Stage.with(async (stage) => {
      const idle = await stage.connect();
      expect((await idle.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
      expect(await millisecondsOf(stage.server.stop({ timeout: 200 }))).to.be.below(2_500);
    });
  });

  it('lets a running reply finish, says that it is the last, and resolves then', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      client.send(line('GET /slow HTTP/1.1'));
      await stage.isRunning();
      const stopped = stage.server.stop({ timeout: 5_000 }).then(() => stage.order.push('stopped'));
      await turns(5);
      stage.go$.next();
      const response = await client.response();
      expect(response.body.toString()).to.equal('slow');
      expect(valueOf(response, 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
      client.finish();
      await stopped;
      expect(stage.order).to.deep.equal(['finalized', 'stopped']);
    });
  });

  it('lets a running stream finish', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      client.send(line('GET /stream HTTP/1.1'));
      await client.bodyBytes(5);
      const stopped = stage.server.stop({ timeout: 5_000 });
      await turns(5);
      stage.go$.next();
      expect((await client.response()).body.toString()).to.equal('begun ended');
      expect(await client.ended()).to.equal('end');
      client.finish();
      await stopped;
      expect(stage.released).to.equal(1);
    });
  });

  it('lets a body that is being read arrive', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      await client.sendApart(['POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello']);
      await stage.isRunning();
      const stopped = stage.server.stop({ timeout: 5_000 });
      await client.sendApart(['world']);
      expect((await client.response()).body.toString()).to.equal('helloworld');
      expect(await client.ended()).to.equal('end');
      client.finish();
      await stopped;
    });
  });

  for (const [name, send] of Object.entries({
    'a reply that does not come': line('GET /never HTTP/1.1'),
    'an endless stream': line('GET /endless HTTP/1.1'),
    'a body that does not come to its end': 'POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello',
  })) {
    it(`cuts ${name} when the time is up, finalizers included`, async () => {
      await Stage.with(async (stage) => {
        const client = await stage.connect();
        client.send(send);
        await stage.isRunning();
        const took = await millisecondsOf(stage.server.stop({ timeout: 150 }).then(() => stage.order.push('stopped')));
        expect(took).to.be.within(100, 2_500);
        expect(stage.order).to.deep.equal(['finalized', 'stopped']);
        expect((await client.cut()).isComplete).to.equal(false);
      });
    });

    it(`cuts ${name} at once with timeout 0`, async () => {
      await Stage.with(async (stage) => {
        const client = await stage.connect();
        client.send(send);
        await stage.isRunning();
        expect(await millisecondsOf(stage.server.stop({ timeout: 0 }))).to.be.below(1_000);
        expect(stage.released).to.equal(1);
        expect((await client.cut()).isComplete).to.equal(false);
      });
    });
  }

  it('gives 100 ms where nothing else was said', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      client.send(line('GET /never HTTP/1.1'));
      await stage.isRunning();
      expect(await millisecondsOf(stage.server.stop())).to.be.within(80, 2_500);
    });
  });

  it('a client in the middle of a head: its request is answered when it comes in time', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      await client.sendApart(['GET / HTTP/1.1\r\nHo', '']);
      const stopped = stage.server.stop({ timeout: 5_000 });
      await client.sendApart(['st: x\r\n\r\n']);
      const response = await client.response();
      expect(response.body.toString()).to.equal('root');
      expect(valueOf(response, 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
      client.finish();
      await stopped;
    });
  });

  it('a client in the middle of a head that does not go on is cut when the time is up', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      await client.sendApart(['GET / HTTP/1.1\r\nHo', '']);
      expect(await millisecondsOf(stage.server.stop({ timeout: 150 }))).to.be.below(2_500);
      await client.cut();
    });
  });

  it('requests that wait in a pipeline behind the running one are not begun', async () => {
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      client.send(line('GET /slow HTTP/1.1') + line('GET / HTTP/1.1').repeat(3));
      await stage.isRunning();
      const stopped = stage.server.stop({ timeout: 5_000 });
      stage.go$.next();
      const response = await client.response();
      expect(response.body.toString()).to.equal('slow');
      expect(valueOf(response, 'connection')).to.equal('close');
      expect(await client.ended()).to.equal('end');
      client.finish();
      await stopped;
      expect(stage.running).to.equal(1);
    });
  });

  it('many connections in all states at once', async () => {
    await Stage.with(async (stage) => {
      const states = ['', 'GET / HT', line('GET /never HTTP/1.1'), line('GET /endless HTTP/1.1'), post('Content-Length: 9', 'x')];
      for (let index = 0; index < 100; index++) {
        const client = await stage.connect();
        client.send(states[index % states.length]);
      }
      await stage.isRunning(50);
      expect(await millisecondsOf(stage.server.stop({ timeout: 100 }))).to.be.below(4_000);
      expect(stage.released).to.equal(stage.running);
    });
  });

  it('refuses a timeout that is none', async () => {
    await Stage.with(async ({ server }) => {
      for (const timeout of [-1, NaN, '5' as never]) {
        const failure: unknown = await server.stop({ timeout }).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failure).to.be.an.instanceOf(TypeError).with.property('message').that.includes('timeout');
      }
      expect(server.status).to.equal('running');
    });
  });

  it('does not keep the process alive: nothing is left of its timers', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    await turns(1); // the runner sets its own timer behind the first turn
    const before = timers();
    await Stage.with(async (stage) => {
      const client = await stage.connect();
      client.send(line('GET /never HTTP/1.1'));
      await stage.isRunning();
      await stage.server.stop({ timeout: 50 });
      await turns(3);
      expect(timers()).to.be.at.most(before);
    });
  });

  it('works by await using', async () => {
    const server = await runServer(
      map(() => timer(0).pipe(map(String))),
      { ip: '127.0.0.1', port: 0 },
    );
    await server[Symbol.asyncDispose]();
    expect(server.status).to.equal('stopped');
  });
});
