import { expect } from 'chai';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { filter, firstValueFrom, map, take, toArray } from 'rxjs';
import { type Handler, HttpKitError, OptionError, type ProcessesOptions, type ProcessServer, runProcesses } from 'rx-http-kit';
import { isAlive } from '../support/start-command.js';
import { begin, getOnce, loadUntil } from '../support/short-connections.js';

const APP = new URL('./fixtures/app.js', import.meta.url);

describe('runProcesses', function () {
  this.timeout(30_000);
  let server: ProcessServer | undefined;

  afterEach(async () => {
    server?.destroy();
    await server?.stop();
    server = undefined;
  });

  const start = async (options: ProcessesOptions = {}, module: URL = APP): Promise<{ group: ProcessServer; url: string }> => {
    server = await runProcesses(module, { ip: '127.0.0.1', port: 0, processes: 2, ...options });
    return { group: server, url: `http://${server.address}` };
  };

  /** Those that answer. */
  const pidsOf = async (url: string, count: number): Promise<number[]> => {
    const pids = new Set<number>();
    for (let asked = 0; pids.size < count && asked < 100; asked++) pids.add(Number(await getOnce(`${url}/pid`)));
    return [...pids];
  };

  it('serves a module on one port in many processes, none of them this one, and ends them', async () => {
    const { group, url } = await start();
    expect(group.port).to.be.above(0);
    expect(group.address).to.equal(`127.0.0.1:${group.port}`);
    const pids = await pidsOf(url, 2);
    expect(pids).to.have.lengthOf(2);
    expect(pids).to.not.include(process.pid);
    expect(group.status).to.equal('running');
    const statuses = firstValueFrom(group.status$.pipe(toArray()));
    await group.stop();
    expect(await statuses).to.deep.equal(['running', 'stopping', 'stopped']);
    expect(pids.map(isAlive)).to.deep.equal([false, false]);
    expect(await getOnce(url).catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ECONNREFUSED');
  });

  it('puts another one in the place of one that crashes, while the others answer', async () => {
    const { group, url } = await start();
    const [first, second] = await pidsOf(url, 2);
    const told = firstValueFrom(group.processes$.pipe(take(2), toArray()));
    process.kill(first, 'SIGKILL');
    const answered = await loadUntil(`${url}/pid`, 8, told);
    const [crashed, ready] = await told;
    expect(crashed).to.include({ type: 'crashed', pid: first, ending: 'SIGKILL', restartInMs: 0 });
    expect(ready).to.include({ type: 'ready' });
    expect([...answered.answers.keys()].map(Number)).to.include(second);
    expect((await pidsOf(url, 2)).sort()).to.deep.equal([second, ready.type === 'ready' ? ready.pid : 0].sort());
  });

  it('replaces all, one by one, and refuses nobody', async () => {
    const { group, url } = await start();
    const before = await pidsOf(url, 2);
    const { answers, failures } = await loadUntil(`${url}/pid`, 8, group.replace());
    expect(failures).to.deep.equal([]);
    expect([...answers.keys()].map(Number)).to.include.members(before);
    expect(before.map(isAlive)).to.deep.equal([false, false]);
    const after = await pidsOf(url, 2);
    expect(after.filter((pid) => before.includes(pid))).to.deep.equal([]);
  });

  it('lets a connection that was made a moment before ask its first question', async () => {
    const { group } = await start({ processes: 1 });
    const socket = connect(group.port, '127.0.0.1');
    await once(socket, 'connect');
    const ready = firstValueFrom(group.processes$.pipe(filter(({ type }) => type === 'ready')));
    const replaced = group.replace();
    await ready; // the old one has been told to leave
    socket.write('GET /pid HTTP/1.1\r\nhost: x\r\n\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer]; // of a socket without encoding
    expect(reply.toString())
      .to.match(/^HTTP\/1.1 200 OK\r\n/)
      .and.include('connection: close\r\n');
    socket.end();
    await replaced;
  });

  it('passes on what goes wrong in a process to whoever watches, as plain data', async () => {
    const { group, url } = await start({ processes: 1 });
    const failure = firstValueFrom(group.events$.pipe(filter(({ type }) => type === 'failure')));
    await getOnce(`${url}/pid`); // the order to tell has arrived before this did
    await getOnce(`${url}/throw`);
    const { error, method, uri, remoteAddr } = await failure;
    expect({ method, uri, remoteAddr }).to.deep.equal({ method: 'GET', uri: '/throw', remoteAddr: '127.0.0.1' });
    expect(error).to.include({ code: 'RHK_HANDLER_FAILED', name: 'HandlerError' });
    expect(error.cause).to.be.instanceOf(Error).with.property('message', 'swordfish');
    expect((error.cause as Error).stack).to.include('app.'); // where it was thrown
  });

  it('ends a process that hangs, a second behind its time', async () => {
    const { group, url } = await start({ processes: 1 });
    const [pid] = await pidsOf(url, 1);
    const left = firstValueFrom(group.processes$.pipe(filter(({ type }) => type === 'left')));
    const blocked = await begin(`${url}/block`);
    await group.stop({ timeout: 50 });
    expect(await left).to.include({ pid, ending: 'SIGKILL' });
    expect(await blocked.rest.catch(String)).to.not.equal('begun');
  });

  it('serves on the path of a Unix socket', async () => {
    const path = `/tmp/rx-http-kit-processes-${process.pid}.sock`;
    const { group } = await start({ path });
    expect([group.address, group.port]).to.deep.equal([path, 0]);
  });

  describe('refuses', () => {
    const refusal = async (module: unknown, options: unknown = {}): Promise<Error> => {
      try {
        server = await runProcesses(module as URL, { ip: '127.0.0.1', port: 0, processes: 1, ...(options as ProcessesOptions) }); // what untyped callers say
      } catch (error) {
        return error as Error; // whatever it is, it is looked at
      }
      throw new Error('it was accepted');
    };

    it('a handler that is a function, as it cannot go to another process', async () => {
      const handler: Handler = map(() => 'a');
      expect(await refusal(handler))
        .to.be.instanceOf(OptionError)
        .with.property('message')
        .that.includes('cannot go to another process');
    });

    it('wrong options, by name', async () => {
      for (const processes of [0, -1, 1.5, NaN, 1_025, '2', 'all', null]) {
        expect(await refusal(APP, { processes }), String(processes))
          .to.be.instanceOf(OptionError)
          .with.property('option', 'processes');
      }
      expect(await refusal(APP, { startTimeoutMs: 0 }))
        .to.be.instanceOf(OptionError)
        .with.property('option', 'startTimeoutMs');
      expect(await refusal(APP, { maxBody: -1 }))
        .to.be.instanceOf(OptionError)
        .with.property('option', 'maxBody');
    });

    it('a port that is taken, by the system’s error, before any process is started', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { port: number }; // of a TCP server
      const error = await refusal(APP, { port });
      other.close();
      expect(error).to.include({ code: 'EADDRINUSE', port });
    });

    it('a module that throws, has no handler, or is not there, with the cause', async () => {
      const broken = await refusal(new URL('data:text/javascript,throw new RangeError("no database")'));
      expect(broken).to.be.instanceOf(HttpKitError).with.property('code', 'RHK_PROCESS_FAILED');
      expect(broken.message).to.equal('process 1 did not start: no database');
      expect(broken.cause).to.include({ name: 'RangeError', message: 'no database' });
      const empty = await refusal(new URL('data:text/javascript,export const a = 1'));
      expect(empty.message).to.include('has no default export');
      const wrong = await refusal(new URL('data:text/javascript,export default 5'));
      expect(wrong.message).to.include('exports a number by default');
      expect((await refusal(new URL('./nowhere.js', APP))).cause).to.include({ code: 'ERR_MODULE_NOT_FOUND' });
    });

    it('one that does not listen in time', async () => {
      const error = await refusal(new URL('data:text/javascript,await new Promise(() => {})'), { startTimeoutMs: 1_500 });
      expect(error.message).to.equal('process 1 did not start: did not listen within 1500 ms (startTimeoutMs)');
    });
  });
});
